/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Passes secrets to a container. dist opens the files with its caller's rights and passes
 * descriptors: it does not read them, and no message has their contents. A name alone refers to a
 * credential of the unit that dist runs in (systemd.exec(5), LoadCredential=). */

#include "client/secrets.h"

#include "base/fd.h"
#include "client/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A secret as given: NAME, NAME=FILE or podman's NAME,src=FILE, followed by fields. */
typedef struct {
    bool is_variable;  /* type=env */
    char *name, *file; /* NULL file: a credential of the unit */
    char *target;      /* name in /run/secrets, or of the variable */
} SecretGiven;

static void secret_given_clear(SecretGiven *secret) {
    g_free(secret->name);
    g_free(secret->file);
    g_free(secret->target);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SecretGiven, secret_given_clear)

/* Whether field is a field of the option: anything else is part of the file name, which may contain
 * commas. */
static bool secret_take_field(SecretGiven *secret, const char *field) {
    static const char target[] = "target=";

    if (g_str_equal(field, "type=env")) {
        secret->is_variable = true;
    } else if (g_str_has_prefix(field, target)) {
        g_free(secret->target);
        secret->target = g_strdup(field + strlen(target));
    } else {
        return g_str_equal(field, "type=mount");
    }
    return true;
}

static SecretGiven secret_parse(const char *text) {
    static const char source[] = ",src=";
    SecretGiven secret = {.is_variable = false};
    g_auto(GStrv) fields = g_strsplit(text, ",", -1);
    g_autoptr(GString) rest = g_string_new(fields[0] ? fields[0] : "");

    for (char **field = fields[0] ? fields + 1 : fields; *field; field++)
        if (!secret_take_field(&secret, *field))
            g_string_append_printf(rest, ",%s", *field);
    const char *comma = strstr(rest->str, source), *equals = strchr(rest->str, '=');
    if (comma || equals) {
        secret.name = g_strndup(rest->str, (gsize)((comma ? comma : equals) - rest->str));
        secret.file = g_strdup(comma ? comma + strlen(source) : equals + 1);
    } else {
        secret.name = g_strdup(rest->str);
    }
    if (!secret.target)
        secret.target = g_strdup(secret.name);
    return secret;
}

/* sd-bus duplicates the descriptor (sd_bus_message_append(3), "h"), so it is always closed here. */
static int secret_append(sd_bus_message *call, const char *name, const char *path, GError **error) {
    berth_autofd int file = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

    if (file < 0) {
        berth_error_set_errno(error, errno, "%s", path);
        return -EIO;
    }
    return sd_bus_message_append(call, "(sh)", name, file);
}

static int secret_append_credential(sd_bus_message *call, const char *name, const char *target,
                                    GError **error) {
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");

    if (!directory) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("--secret=%s: there are no credentials of a unit; name a file, as "
                          "--secret=%s=FILE"),
                        name, name);
        return -EINVAL;
    }
    g_autofree char *path = g_build_filename(directory, name, NULL);
    return secret_append(call, target, path, error);
}

/* If the unit has no credentials, nothing is appended, which is not an error. */
static int secrets_append_all(sd_bus_message *call, GError **error) {
    const char *path = g_getenv("CREDENTIALS_DIRECTORY"), *name;
    g_autoptr(GDir) directory = path ? g_dir_open(path, 0, error) : NULL;
    int r = 0;

    if (path && !directory)
        return -EIO;
    while (r >= 0 && directory && (name = g_dir_read_name(directory)))
        r = secret_append_credential(call, name, name, error);
    return r;
}

static int secret_append_given(sd_bus_message *call, const SecretGiven *secret, GError **error) {
    const char *other = strchr(secret->name, ',');

    /* Other fields of podman's: uid=, gid=, mode=. */
    if (other) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                        _("--secret: the field \"%s\" of a secret is not supported: only type= and "
                          "target= are"),
                        other + 1);
        return -EINVAL;
    }
    return secret->file ? secret_append(call, secret->target, secret->file, error)
                        : secret_append_credential(call, secret->name, secret->target, error);
}

/* Appends those that are files, or those that are variables. Sets *found if there are any of the
 * other kind. */
static int secrets_append_kind(sd_bus_message *call, char *const *secrets, bool variables,
                               bool *found, GError **error) {
    int r = 0;

    for (; r >= 0 && secrets && *secrets; secrets++) {
        g_auto(SecretGiven) secret = secret_parse(*secrets);
        if (secret.is_variable == variables)
            r = secret_append_given(call, &secret, error);
        else
            *found = true;
    }
    return r;
}

int dist_append_secrets(sd_bus_message *call, char *const *secrets, bool credentials,
                        GError **error) {
    bool has_variables = false, has_files;
    int r;

    if (!credentials && (!secrets || !secrets[0]))
        return 0;
    if ((r = dist_open_list(call, "Secrets", "(sh)")) < 0 ||
        (r = secrets_append_kind(call, secrets, false, &has_variables, error)) < 0 ||
        (credentials && (r = secrets_append_all(call, error)) < 0) ||
        (r = dist_close_list(call)) < 0 || !has_variables)
        return r;
    if ((r = dist_open_list(call, "SecretVariables", "(sh)")) < 0 ||
        (r = secrets_append_kind(call, secrets, true, &has_files, error)) < 0)
        return r;
    return dist_close_list(call);
}
