/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds, stores and removes registry credentials, in the files of podman and docker or through
 * their credential helpers (client/credential-helper.c). dist does this instead of the service,
 * since files and helpers are the user's: the service receives the credentials for one reference,
 * with the call that needs them. The first file that has some is used.
 */

#include "client/credentials.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"
#include "client/bus.h"
#include "client/credential-helper.h"
#include "client/message.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILE_BYTES = 1024 * 1024, MAX_FILES = 4 };

/* The files that podman reads, in its order (containers-auth.json(5)), followed by docker's,
 * whether they exist or not. The first one is written to. The caller frees the list. */
static char **list_auth_files(void) {
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    const char *named = g_getenv("REGISTRY_AUTH_FILE");
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    const char *docker = g_getenv("DOCKER_CONFIG");

    if (named && named[0])
        g_ptr_array_add(paths, g_strdup(named));
    if (runtime && runtime[0])
        g_ptr_array_add(paths, g_build_filename(runtime, "containers", "auth.json", NULL));
    else
        g_ptr_array_add(paths, g_strdup_printf("/run/containers/%u/auth.json", geteuid()));
    g_ptr_array_add(paths,
                    g_build_filename(g_get_user_config_dir(), "containers", "auth.json", NULL));
    g_ptr_array_add(paths, docker && docker[0] ? g_build_filename(docker, "config.json", NULL)
                                               : g_build_filename(g_get_home_dir(), ".docker",
                                                                  "config.json", NULL));
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}

/* Returns NULL without an error if the file does not exist. */
static char *read_auth_file(const char *path, size_t *size, GError **error) {
    berth_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            berth_error_set_errno(error, errno, _("read %s"), path);
        return NULL;
    }
    char *text = berth_fd_read_whole(fd, MAX_FILE_BYTES, size, error);
    if (!text)
        g_prefix_error(error, "%s: ", path);
    return text;
}

/* The reference without its tag and digest. A colon before the first slash belongs to the port. */
static char *locator_of(const char *reference) {
    const char *slash = strchr(reference, '/');

    return slash ? g_strndup(reference, (gsize)(slash - reference) + strcspn(slash, ":@?"))
                 : g_strdup(reference);
}

BerthCredentials *dist_find_credentials(const char *reference, GError **error) {
    g_autofree char *locator = locator_of(reference);
    g_auto(GStrv) paths = list_auth_files();

    for (char **path = paths; *path; path++) {
        g_autoptr(BerthCredentials) found = NULL;
        g_autofree char *helper = NULL, *key = NULL;
        g_autoptr(GError) local = NULL;
        size_t size;
        g_autofree char *text = read_auth_file(*path, &size, &local);
        if (text && !berth_auth_file_find(text, size, locator, &found, &helper, &key, &local))
            g_prefix_error(&local, "%s: ", *path);
        if (!local && helper) {
            found = dist_credential_helper_get(helper, key, &local);
            g_prefix_error(&local, "%s: ", *path);
        }
        if (local) {
            g_propagate_error(error, g_steal_pointer(&local));
            return NULL;
        }
        if (found)
            return g_steal_pointer(&found);
    }
    return NULL;
}

int dist_append_credentials(sd_bus_message *call, const BerthCredentials *credentials) {
    BerthCredentialPairs pairs;
    int r;

    if (!credentials)
        return 0;
    berth_credentials_list_pairs(credentials, pairs);
    /* sd_bus_message_sensitive(3): the message's memory is erased when it is freed. */
    if ((r = sd_bus_message_sensitive(call)) < 0 ||
        (r = dist_open_list(call, "Credentials", "{ss}")) < 0)
        return r;
    for (const char **pair = pairs; r >= 0 && pair[0]; pair += 2)
        r = sd_bus_message_append(call, "{ss}", pair[0], pair[1]);
    return r < 0 ? r : dist_close_list(call);
}

/* As podman-login(1): the file that REGISTRY_AUTH_FILE names, otherwise the one in the runtime
 * directory, which disappears with the session. */
static char *file_to_write(void) {
    g_auto(GStrv) paths = list_auth_files();

    return g_strdup(paths[0]);
}

/* The document in a file, with members that dist does not know; an empty object if the file does
 * not exist. */
static json_object *load_auth_file(const char *path, GError **error) {
    g_autoptr(GError) local = NULL;
    size_t size;
    g_autofree char *text = read_auth_file(path, &size, &local);
    g_autoptr(json_object) root = text ? berth_document_parse(text, size, &local) : NULL;

    if (local) {
        g_prefix_error(&local, "%s: ", path);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return root ? g_steal_pointer(&root) : json_object_new_object();
}

/* Writes a temporary file beside it and renames that: a reader finds either the old or the new
 * document, even after a crash. Mode 0600, since it holds secrets. */
static bool save_auth_file(const char *path, json_object *root, GError **error) {
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *fresh = g_strconcat(path, ".XXXXXX", NULL);
    g_autofree char *text = berth_document_print(root, true);

    if (g_mkdir_with_parents(directory, 0700) < 0)
        return berth_error_set_errno(error, errno, _("make the directory %s"), directory);
    berth_autofd int fd = g_mkstemp_full(fresh, O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return berth_error_set_errno(error, errno, _("write %s"), fresh);
    if (!berth_fd_write_all(fd, text, strlen(text)) || fsync(fd) < 0 || rename(fresh, path) < 0) {
        int errnum = errno;
        unlink(fresh);
        return berth_error_set_errno(error, errnum, _("write %s"), path);
    }
    return true;
}

/* The member "auths", which belongs to root; a new one if it is missing or not an object. */
static json_object *open_auths(json_object *root) {
    json_object *auths = NULL;

    return berth_document_get_object(root, "auths", &auths, NULL) && auths
               ? auths
               : berth_document_add_object(root, "auths");
}

/* The helper that a file names for a registry, and the key to store credentials under, so that the
 * next look-up asks for it; NULL if the file names none. The caller frees both. */
static char *find_helper(json_object *root, const char *registry, char **key) {
    g_autofree char *text = berth_document_print(root, false), *asked = NULL;
    g_autoptr(BerthCredentials) found = NULL;
    char *helper = NULL;

    berth_auth_file_find(text, strlen(text), registry, &found, &helper, &asked, NULL);
    if (helper)
        *key = g_strdup(berth_auth_keys_are_same(asked, registry) ? asked : registry);
    return helper;
}

/* The helper stores the secret. The file is changed only for a part of a registry, for which the
 * helper would not be asked: as docker does, by an empty entry. */
static bool keep_by_helper(const char *path, json_object *root, const char *helper, const char *key,
                           const BerthCredentials *credentials, GError **error) {
    if (!dist_credential_helper_store(helper, key, credentials, error)) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    if (!strchr(key, '/') || strstr(key, "://"))
        return true;
    json_object *auths = open_auths(root);
    if (json_object_object_get_ex(auths, key, NULL))
        return true;
    berth_document_add_object(auths, key);
    return save_auth_file(path, root, error);
}

bool dist_keep_credentials(const char *registry, const BerthCredentials *credentials,
                           GError **error) {
    g_autofree char *key = NULL;
    g_autofree char *path = file_to_write();
    g_autoptr(json_object) root = load_auth_file(path, error);

    if (!root)
        return false;
    g_autofree char *helper = find_helper(root, registry, &key);
    if (helper)
        return keep_by_helper(path, root, helper, key, credentials, error);
    json_object *entry = berth_document_add_object(open_auths(root), registry);
    if (credentials->identity_token) {
        berth_document_add_string(entry, "identitytoken", credentials->identity_token);
    } else {
        g_autofree char *pair =
            g_strconcat(credentials->username, ":", credentials->password, NULL);
        g_autofree char *encoded = g_base64_encode((const guchar *)pair, strlen(pair));
        berth_document_add_string(entry, "auth", encoded);
    }
    return save_auth_file(path, root, error);
}

/* Under every key that a look-up would find, such as docker's URL for Docker Hub. */
static bool remove_auth_entries(json_object *auths, const char *registry) {
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);

    json_object_object_foreach(auths, key, value) {
        (void)value;
        if (berth_auth_keys_are_same(key, registry))
            g_ptr_array_add(keys, g_strdup(key));
    }
    for (guint i = 0; i < keys->len; i++)
        json_object_object_del(auths, keys->pdata[i]);
    return keys->len > 0;
}

/* Sets removed if there was an entry; a file or helper without one is not an error. */
static bool remove_from_auth_file(const char *path, const char *registry, bool *removed,
                                  GError **error) {
    g_autoptr(json_object) root = load_auth_file(path, error);
    g_autofree char *key = NULL;

    if (!root)
        return false;
    g_autofree char *helper = find_helper(root, registry, &key);
    if (helper && !dist_credential_helper_erase(helper, key, removed, error)) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    if (!remove_auth_entries(open_auths(root), registry))
        return true;
    *removed = true;
    return save_auth_file(path, root, error);
}

bool dist_remove_credentials(const char *registry, GError **error) {
    g_auto(GStrv) paths = list_auth_files();
    bool removed = false;

    /* Removes them from all files: credentials left in a later one would be used by the next pull.
     */
    for (char **path = paths; *path; path++)
        if (g_file_test(*path, G_FILE_TEST_EXISTS) &&
            !remove_from_auth_file(*path, registry, &removed, error))
            return false;
    return removed || berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                                      _("there are no credentials for %s"), registry);
}
