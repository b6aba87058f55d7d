/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Records of containers on disk. "create" and "run" make one, the monitor writes it once the
 * container exists, and "delete" removes it. A record without "status" belongs to a container that
 * is being created, or to a creation that was killed: "delete --force" removes that, too.
 */

#include "record.h"

#include "base/document-members.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MAX_ID = 1024,          /* of an engine */
    BERTH_ID_HASH = 16,     /* hexadecimal digits of the hash */
    BERTH_ID_READABLE = 47, /* with the hash and "-", the 64 characters of base/names.c */
    MAX_STATUS = 4 * 1024 * 1024,
};

/* The id becomes the name of a directory: it must have no slash, and not be "." or "..". */
bool runtime_record_check_id(const char *id, GError **error) {
    size_t length = strlen(id);
    bool well_formed =
        length > 0 && length <= MAX_ID && !g_str_equal(id, ".") && !g_str_equal(id, "..");

    for (size_t i = 0; well_formed && i < length; i++)
        well_formed = g_ascii_isalnum(id[i]) || strchr("_+.-", id[i]);
    return well_formed || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                          "invalid container ID \"%.100s\"", id);
}

/* An engine's ids are unique below one --root, the service's on the whole machine. The hash makes
 * them so. */
char *runtime_record_make_berth_id(const char *root, const char *id) {
    g_autofree char *both = g_strconcat(root, "/", id, NULL);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, both, -1);
    g_autofree char *readable = g_strndup(id, BERTH_ID_READABLE);

    g_strcanon(readable, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.-", '-');
    /* The id comes last, as in the scopes of runc and crun. */
    return g_strdup_printf("%.*s-%s", BERTH_ID_HASH, hash, readable);
}

RuntimeRecord *runtime_record_new(const char *root, const char *id, GError **error) {
    if (!runtime_record_check_id(id, error))
        return NULL;
    RuntimeRecord *record = g_new0(RuntimeRecord, 1);
    record->root = g_strdup(root);
    record->id = g_strdup(id);
    record->berth_id = runtime_record_make_berth_id(root, id);
    record->directory = g_build_filename(root, id, NULL);
    return record;
}

void runtime_record_free(RuntimeRecord *record) {
    g_free(record->root);
    g_free(record->id);
    g_free(record->berth_id);
    g_free(record->directory);
    g_free(record->bundle);
    g_free(record->rootfs);
    g_free(record->created);
    g_strfreev(record->annotations);
    g_free(record);
}

/* mkdir(2) decides which of two processes with the same id continues. */
bool runtime_record_create(RuntimeRecord *record, GError **error) {
    if (g_mkdir_with_parents(record->root, 0700) < 0)
        return berth_error_set_errno(error, errno, "create directory %s", record->root);
    if (mkdir(record->directory, 0700) == 0)
        return true;
    if (errno == EEXIST)
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "container with given ID already exists: %s", record->id);
    return berth_error_set_errno(error, errno, "create directory %s", record->directory);
}

/* Written to a temporary file and renamed, so that a reader finds either the old or the new record.
 */
bool runtime_record_write(RuntimeRecord *record, GError **error) {
    g_autofree char *file = g_build_filename(record->directory, "status", NULL);
    g_autoptr(json_object) status = json_object_new_object();

    berth_document_add_string_or_empty(status, "berth-id", record->berth_id);
    berth_document_add_string_or_empty(status, "bundle", record->bundle);
    berth_document_add_string_or_empty(status, "rootfs", record->rootfs);
    berth_document_add_string_or_empty(status, "created", record->created);
    berth_document_add_int(status, "pid", record->pid);
    berth_document_add_int(status, "process-start-time", (gint64)record->pid_start);
    berth_document_add_bool(status, "monitored", record->monitored);
    berth_document_add_map(status, "annotations", record->annotations);
    g_autofree char *text = berth_document_print(status, false);
    return g_file_set_contents_full(file, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

/* berth-id is not read back: it follows from the root and the id, and a modified file must not lead
 * to another container. */
static bool record_take(RuntimeRecord *record, json_object *object, GError **error) {
    const char *bundle, *rootfs, *created;
    int64_t pid;

    if (!berth_document_get_string(object, "bundle", &bundle, error) ||
        !berth_document_get_string(object, "rootfs", &rootfs, error) ||
        !berth_document_get_string(object, "created", &created, error) ||
        !berth_document_get_int(object, "pid", &pid, error) ||
        !berth_document_get_size(object, "process-start-time", &record->pid_start, error) ||
        !berth_document_get_bool(object, "monitored", &record->monitored, error) ||
        !berth_document_get_keys(object, "annotations", true, &record->annotations, error))
        return false;
    record->bundle = g_strdup(bundle);
    record->rootfs = g_strdup(rootfs);
    record->created = g_strdup(created);
    record->pid = (pid_t)pid;
    return true;
}

RuntimeRecord *runtime_record_read(const char *root, const char *id, GError **error) {
    g_autoptr(RuntimeRecord) record = runtime_record_new(root, id, error);

    if (!record)
        return NULL;
    g_autofree char *file = g_build_filename(record->directory, "status", NULL);
    berth_autofd int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        /* podman and containerd search for these words. */
        if (errno == ENOENT)
            berth_error_set(error, BERTH_ERROR_NOT_FOUND, "container \"%s\" does not exist", id);
        else
            berth_error_set_errno(error, errno, "open %s", file);
        return NULL;
    }
    size_t size;
    g_autofree char *text = berth_fd_read_whole(fd, MAX_STATUS, &size, error);
    g_autoptr(json_object) status = text ? berth_document_parse(text, size, error) : NULL;
    if (!status || !record_take(record, status, error)) {
        g_prefix_error(error, "%s: ", file);
        return NULL;
    }
    return g_steal_pointer(&record);
}

/* What remains after an error is removed by the next "delete --force", as after a creation that was
 * killed. */
void runtime_record_remove(const RuntimeRecord *record) {
    berth_autofd int root = open(record->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root >= 0)
        (void)berth_fd_remove_tree(root, record->id, NULL);
}

static int compare_record_names(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A root that does not exist has no containers: nothing has been created below it yet. */
char **runtime_record_list(const char *root, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) local = NULL;
    g_autoptr(GDir) directory = g_dir_open(root, 0, &local);
    const char *name;

    if (!directory && !g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    while (directory && (name = g_dir_read_name(directory)))
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_record_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* The 22nd field of /proc/PID/stat; the second, the program's name, may contain anything. */
uint64_t runtime_process_get_start(pid_t pid) {
    g_autofree char *file = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;

    if (pid <= 0 || !g_file_get_contents(file, &text, NULL, NULL))
        return 0;
    const char *rest = strrchr(text, ')');
    if (!rest || rest[1] == '\0')
        return 0;
    g_auto(GStrv) fields = g_strsplit(rest + 2, " ", 21);
    if (g_strv_length(fields) < 20 || g_str_equal(fields[0], "Z"))
        return 0;
    return g_ascii_strtoull(fields[19], NULL, 10);
}

/* The start time distinguishes the process from a later one with the same pid (proc_pid_stat(5)).
 */
bool runtime_record_is_alive(const RuntimeRecord *record) {
    return record->pid_start > 0 && runtime_process_get_start(record->pid) == record->pid_start;
}
