/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * certs.d directories in the layout of docker and podman (containers-certs.d(5)): for a registry, a
 * directory HOST[:PORT] with *.crt (authorities), and NAME.cert with NAME.key (a certificate of
 * this machine). They are searched for below /etc/berth, /etc/containers and /etc/docker; the first
 * directory for the registry is used. berthd reads them, since only root can read keys, and passes
 * them on as memfds.
 */

#pragma once

#include "base/error.h"

typedef struct {
    int authorities, certificate, key; /* -1 if there is none */
} BerthCertificates;

/* host: "registry.example.com:5000". A key without a certificate, or the reverse, is an error. */
bool berth_certificates_find(const char *host, BerthCertificates *certificates, GError **error);
void berth_certificates_clear(BerthCertificates *certificates);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthCertificates, berth_certificates_clear)
