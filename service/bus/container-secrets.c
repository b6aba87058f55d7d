/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the secrets of Create: files, files with attributes, and variables. Only names and
 * descriptors are read here; the contents go from a client's descriptor to berth-ingest
 * (containers/secrets.c). There is no state: the list belongs to the BerthCreateOptions, and the
 * descriptors to the message.
 */

#include "bare/secrets.h"
#include "base/limits.h"
#include "base/names.h"
#include "bus/container-object.h"
#include "bus/options.h"

#include <string.h>

/* A valid file name, which a unit's credential may also have (systemd.exec(5), LoadCredential=). */
static bool is_secret_name(const char *name) {
    return berth_name_is_descriptor(name) && !strchr(name, '/') && !g_str_equal(name, ".") &&
           !g_str_equal(name, "..");
}

/* Any name that execve(2) accepts for a variable and that a shell can show. */
static bool is_variable_name(const char *name) {
    return berth_name_is_descriptor(name) && !strchr(name, '=');
}

static void free_secret_argument(gpointer data) {
    BerthSecretRequest *secret = data;

    g_free(secret->name);
    g_free(secret);
}

/* The name is that of a file or, after a prefix, of a variable (bare/secrets.h). */
static int options_add_secret(BerthCreateOptions *options, const char *name, int fd,
                              sd_bus_error *error) {
    if (!options->secrets)
        options->secrets = g_ptr_array_new_with_free_func(free_secret_argument);
    /* Each is a descriptor that the service keeps open until Create is answered. */
    if (options->secrets->len >= BERTH_MAX_SECRETS)
        return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "LimitExceeded", "more than %u secrets",
                                 BERTH_MAX_SECRETS);
    for (guint i = 0; i < options->secrets->len; i++) {
        const char *other = ((BerthSecretRequest *)options->secrets->pdata[i])->name;
        /* A file and a variable may have the same name: the variable's keeps its mark. */
        if (g_str_equal(berth_secret_skip_owner(other), berth_secret_skip_owner(name)))
            return sd_bus_error_setf(
                error, BERTH_ERROR_PREFIX "InvalidArgument", "the secret \"%.100s\" is given twice",
                name[0] == BERTH_SECRET_VARIABLE ? name + 1 : berth_secret_skip_owner(name));
    }
    BerthSecretRequest *secret = g_new0(BerthSecretRequest, 1);
    *secret = (BerthSecretRequest){g_strdup(name), fd};
    g_ptr_array_add(options->secrets, secret);
    return 0;
}

static int add_secret_file(BerthCreateOptions *options, const char *name, int fd,
                           sd_bus_error *error) {
    if (!is_secret_name(name))
        return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                 "invalid name of a secret \"%.100s\"", name);
    options->has_secret_files = true;
    return options_add_secret(options, name, fd, error);
}

static int add_secret_variable(BerthCreateOptions *options, const char *name, int fd,
                               sd_bus_error *error) {
    g_autofree char *marked = g_strdup_printf("%c%s", BERTH_SECRET_VARIABLE, name);

    return is_variable_name(name) && strlen(marked) < BERTH_SECRET_NAME_BYTES
               ? options_add_secret(options, marked, fd, error)
               : sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                   "invalid name of a variable \"%.100s\"", name);
}

typedef int (*AddSecret)(BerthCreateOptions *options, const char *name, int fd,
                         sd_bus_error *error);

/* The descriptors belong to the message, which is kept until Create is answered. */
static int read_secrets(sd_bus_message *call, BerthCreateOptions *options, AddSecret add,
                        sd_bus_error *error) {
    const char *name;
    int fd, r;

    if ((r = sd_bus_message_enter_container(call, 'v', "a(sh)")) < 0 ||
        (r = sd_bus_message_enter_container(call, 'a', "(sh)")) < 0)
        return r;
    while ((r = sd_bus_message_read(call, "(sh)", &name, &fd)) > 0)
        if ((r = add(options, name, fd, error)) < 0)
            return r;
    if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
        return r;
    return sd_bus_message_exit_container(call);
}

int berth_container_read_secret_files(sd_bus_message *call, void *value, sd_bus_error *error) {
    return read_secrets(call, value, add_secret_file, error);
}

static void append_attribute(GString *text, uint32_t value, unsigned base, char end) {
    if (value == UINT32_MAX)
        g_string_append_c(text, '-');
    else if (base == 8)
        g_string_append_printf(text, "%o", value);
    else
        g_string_append_printf(text, "%u", value);
    g_string_append_c(text, end);
}

/* The attributes of a file, as they stand before its name (bare/secrets.h). */
static int read_owned_secret(sd_bus_message *call, BerthCreateOptions *options,
                             sd_bus_error *error) {
    uint32_t uid = UINT32_MAX, gid = UINT32_MAX, mode = UINT32_MAX;
    const BerthOption attributes[] = {
        {"UID", "u", &uid}, {"GID", "u", &gid}, {"Mode", "u", &mode}, {NULL}};
    const char *name;
    int fd, r;

    if ((r = sd_bus_message_read(call, "sh", &name, &fd)) < 0 ||
        (r = berth_options_read(call, attributes, error)) < 0)
        return r;
    if (mode != UINT32_MAX && mode > 0777)
        return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                 "the mode %o of the secret \"%.100s\" is above 0777", mode, name);
    if (uid == UINT32_MAX && gid == UINT32_MAX && mode == UINT32_MAX)
        return add_secret_file(options, name, fd, error);
    g_autoptr(GString) text = g_string_new((const char[]){BERTH_SECRET_OWNED, '\0'});
    append_attribute(text, uid, 10, ':');
    append_attribute(text, gid, 10, ':');
    append_attribute(text, mode, 8, '/');
    if (!is_secret_name(name) || text->len + strlen(name) >= BERTH_SECRET_NAME_BYTES)
        return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                 "invalid name of a secret \"%.100s\"", name);
    g_string_append(text, name);
    options->has_secret_files = true;
    return options_add_secret(options, text->str, fd, error);
}

int berth_container_read_owned_secrets(sd_bus_message *call, void *value, sd_bus_error *error) {
    int r;

    if ((r = sd_bus_message_enter_container(call, 'v', "a(sha{sv})")) < 0 ||
        (r = sd_bus_message_enter_container(call, 'a', "(sha{sv})")) < 0)
        return r;
    while ((r = sd_bus_message_enter_container(call, 'r', "sha{sv}")) > 0)
        if ((r = read_owned_secret(call, value, error)) < 0 ||
            (r = sd_bus_message_exit_container(call)) < 0)
            return r;
    if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
        return r;
    return sd_bus_message_exit_container(call);
}

int berth_container_read_secret_variables(sd_bus_message *call, void *value, sd_bus_error *error) {
    return read_secrets(call, value, add_secret_variable, error);
}
