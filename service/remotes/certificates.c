/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds and reads the certs.d directory of one registry. There is no object: the caller owns the
 * three descriptors, which are memfds. A directory is read completely or not at all: an invalid
 * file fails the search, since a connection without the intended certificate would fail later for a
 * less obvious reason.
 */

#include "remotes/certificates.h"

#include "base/fd.h"
#include "base/names.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MAX_PEM_BYTES = 1024 * 1024 };

static const char *const places[] = {"/etc/berth/certs.d", "/etc/containers/certs.d",
                                     "/etc/docker/certs.d"};

void berth_certificates_clear(BerthCertificates *certificates) {
    berth_fd_clear(&certificates->authorities);
    berth_fd_clear(&certificates->certificate);
    berth_fd_clear(&certificates->key);
}

/* A sealed memfd for the worker, which cannot read the original and must not change this one. */
static int make_file(const char *data, size_t size, GError **error) {
    berth_autofd int fd = memfd_create("pem", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || !berth_fd_write_all(fd, data, size) || fchmod(fd, 0444) < 0 ||
        !berth_fd_seal(fd)) {
        berth_error_set_errno(error, errno, "make a file in memory");
        return -1;
    }
    return berth_fd_steal(&fd);
}

static char *read_certificate_file(const char *directory, const char *name, size_t *size,
                                   GError **error) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    /* Opening a FIFO for reading would block until it has a writer, without O_NONBLOCK (fifo(7)).
     */
    berth_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        berth_error_set_errno(error, errno, "open %s", path);
        return NULL;
    }
    char *text = berth_fd_read_whole(fd, MAX_PEM_BYTES, size, error);
    if (!text)
        g_prefix_error(error, "%s: ", path);
    return text;
}

static int certificates_copy_file(const char *directory, const char *name, GError **error) {
    size_t size;
    g_autofree char *text = read_certificate_file(directory, name, &size, error);
    int fd = text ? make_file(text, size, error) : -1;

    /* No copy of a private key is left on the heap. */
    if (text)
        explicit_bzero(text, size);
    return fd;
}

/* NAME.cert belongs to NAME.key (containers-certs.d(5)). A certificate without its key is an error.
 */
static bool take_pair(const char *directory, const char *certificate,
                      BerthCertificates *certificates, GError **error) {
    g_autofree char *stem = g_strndup(certificate, strlen(certificate) - strlen(".cert"));
    g_autofree char *key = g_strconcat(stem, ".key", NULL);

    if (certificates->certificate >= 0)
        return true;
    return (certificates->certificate = certificates_copy_file(directory, certificate, error)) >=
               0 &&
           (certificates->key = certificates_copy_file(directory, key, error)) >= 0;
}

static bool check_key(const char *directory, const char *key, GError **error) {
    g_autofree char *stem = g_strndup(key, strlen(key) - strlen(".key"));
    g_autofree char *path = g_strconcat(directory, "/", stem, ".cert", NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "%s/%s has no matching certificate %s.cert", directory, key, stem);
}

/* All authorities in the directory are put into one file, since libcurl takes one
 * (CURLOPT_CAINFO(3)). */
static bool read_directory(const char *directory, GDir *entries, BerthCertificates *certificates,
                           GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) authorities = g_string_new(NULL);

    for (const char *name; (name = g_dir_read_name(entries));)
        g_ptr_array_add(names, g_strdup(name));
    /* The order of directory entries is undefined, and the first pair is the one that is used. */
    g_ptr_array_sort(names, berth_name_compare);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        size_t size;
        if (g_str_has_suffix(name, ".crt")) {
            g_autofree char *text = read_certificate_file(directory, name, &size, error);
            if (!text)
                return false;
            g_string_append_printf(authorities, "%s\n", text);
        } else if (g_str_has_suffix(name, ".cert")) {
            if (!take_pair(directory, name, certificates, error))
                return false;
        } else if (g_str_has_suffix(name, ".key") && !check_key(directory, name, error)) {
            return false;
        }
    }
    return authorities->len == 0 ||
           (certificates->authorities = make_file(authorities->str, authorities->len, error)) >= 0;
}

/* A directory may use the host's name as spelled in the reference, or its normal form. */
static GDir *certificates_open_directory(const char *place, const char *host, char **path) {
    g_autofree char *normal = berth_name_normalize_place(host);
    GDir *entries = g_dir_open(*path = g_build_filename(place, host, NULL), 0, NULL);

    if (entries || g_str_equal(host, normal))
        return entries;
    g_free(*path);
    return g_dir_open(*path = g_build_filename(place, normal, NULL), 0, NULL);
}

/* The first place with a directory for the host counts; directories are not merged. */
bool berth_certificates_find(const char *host, BerthCertificates *certificates, GError **error) {
    *certificates = (BerthCertificates){-1, -1, -1};
    /* The host becomes a path component and must not lead to another directory. */
    if (strchr(host, '/') || host[0] == '.' || host[0] == '\0')
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *directory = NULL;
        g_autoptr(GDir) entries = certificates_open_directory(places[i], host, &directory);
        if (!entries)
            continue;
        if (read_directory(directory, entries, certificates, error))
            return true;
        berth_certificates_clear(certificates);
        return false;
    }
    return true;
}
