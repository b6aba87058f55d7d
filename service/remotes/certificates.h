/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * certs.d directories, as docker and podman lay them out (containers-certs.d(5)): for a registry
 * HOST[:PORT]/ with *.crt, authorities, and NAME.cert with NAME.key, a certificate of this machine.
 * Looked for below /etc/berth, /etc/containers and /etc/docker; the first that has the registry
 * counts. They are read by berthd, since a key is for root only, and handed on as files in memory.
 */

#pragma once

#include "base/error.h"

typedef struct {
    int authorities, certificate, key; /* -1 where there is none */
} BerthCertificates;

/* host: "registry.example.com:5000". A key without a certificate, and the reverse, is an error. */
bool berth_certificates_find(const char *host, BerthCertificates *certificates, GError **error);
void berth_certificates_clear(BerthCertificates *certificates);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthCertificates, berth_certificates_clear)
