/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks of names from outside, made before they become file, unit or bus names. */

#pragma once

#include "base/error.h"

/* A letter or digit, then up to 63 letters, digits, "_", "." and "-". Such a name is used unencoded
 * as a path component and as part of a unit name. */
bool berth_name_is_label(const char *name);
/* The same for each kind of object that is named like this; the error names the kind. */
bool berth_name_check_container(const char *id, GError **error);
bool berth_name_check_pod(const char *name, GError **error);
bool berth_name_check_network(const char *name, GError **error);
bool berth_name_check_volume(const char *name, GError **error);
bool berth_name_check_lease(const char *id, GError **error);
bool berth_name_check_process(const char *id, GError **error);

/* An image name or a client's ingest reference: opaque, 1 to 1024 bytes, no control characters. */
bool berth_name_check_image(const char *name, GError **error);
bool berth_name_check_ingest(const char *ref, GError **error);

/* Text that is only displayed: no control characters. what is a noun for the error message. */
bool berth_name_check_printable(const char *text, const char *what, GError **error);

/* Whether a terminal acts on a character instead of showing it: a control character, or a
 * directional mark, embedding, override or isolate, which turns the text that follows. */
bool berth_name_is_acted_on(gunichar c);

/* A name that a file can have in any directory, and that can be shown. */
bool berth_name_is_file(const char *name);

/* The name of a descriptor in LISTEN_FDNAMES (sd_listen_fds_with_names(3)). */
bool berth_name_is_descriptor(const char *name);

/* Compares strings of a GPtrArray by their bytes (g_ptr_array_sort). */
int berth_name_compare(gconstpointer a, gconstpointer b);

/* A media type without parameters (RFC 6838, section 4.2). */
bool berth_name_check_media_type(const char *media_type, GError **error);

/* Whether a registry's host ("HOST[:PORT]") is a loopback address of this machine, for which plain
 * HTTP is usual. */
bool berth_name_is_loopback(const char *host);

/* Completes docker's short form of an image's name: docker.io, "library/" and the tag "latest" are
 * added if they are missing. The first component is a host if it has a dot or a colon, or is
 * "localhost". The caller frees the result. */
char *berth_name_complete_image(const char *text);

/* The parts of an image's name, as in the distribution specification. A host may have a port. */
bool berth_name_is_host(const char *host);
bool berth_name_is_repository(const char *path);
bool berth_name_is_tag(const char *tag);

/* Returns a registry location, HOST[:PORT][/PATH], in the form used for comparisons: the host is in
 * lower case, and the port is omitted if it is that of HTTPS (RFC 3986, sections 6.2.2.1 and
 * 6.2.3). The path is unchanged. The caller frees it. */
char *berth_name_normalize_place(const char *place);
