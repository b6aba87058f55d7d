/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Passes secrets to a container. dist opens the files with its caller's rights and passes
 * descriptors: it does not read them, and no message has their contents. A name alone refers to a
 * credential of the unit that dist runs in (systemd.exec(5), LoadCredential=).
 */

#include "client/secrets.h"

#include "base/fd.h"
#include "client/message.h"
#include "generator/secret-attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A secret as given: NAME, NAME=FILE, podman's NAME,src=FILE, or id=NAME,src=FILE as in "docker
 * build"; with further fields. */
typedef struct {
    bool is_variable;                             /* type=env */
    uint32_t attributes[BERTH_SECRET_ATTRIBUTES]; /* of the file; UINT32_MAX: not given */
    char *name, *file;                            /* NULL file: a credential of the unit */
    char *target;                                 /* name in /run/secrets, or of the variable */
    char *unknown;                                /* fields that there are not; NULL: none */
} SecretGiven;

static void secret_given_clear(SecretGiven *secret) {
    g_free(secret->name);
    g_free(secret->file);
    g_free(secret->target);
    g_free(secret->unknown);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SecretGiven, secret_given_clear)

static bool secret_take_attribute(SecretGiven *secret, const char *field) {
    BerthSecretAttribute attribute;
    uint32_t value;

    if (!berth_secret_attribute_read(field, &attribute, &value))
        return false;
    secret->attributes[attribute] = value;
    return true;
}

static bool secret_given_has_attributes(const SecretGiven *secret) {
    for (unsigned i = 0; i < BERTH_SECRET_ATTRIBUTES; i++)
        if (secret->attributes[i] != UINT32_MAX)
            return true;
    return false;
}

/* Whether field is a field of the option: anything else is part of the file name, which may contain
 * commas. */
static bool secret_take_field(SecretGiven *secret, const char *field) {
    static const char target[] = "target=", directory[] = "/run/secrets/";

    if (g_str_equal(field, "type=env")) {
        secret->is_variable = true;
    } else if (g_str_has_prefix(field, target)) {
        field += strlen(target);
        g_free(secret->target);
        secret->target =
            g_strdup(field + (g_str_has_prefix(field, directory) ? strlen(directory) : 0));
    } else {
        return g_str_equal(field, "type=mount") || g_str_equal(field, "type=file") ||
               secret_take_attribute(secret, field);
    }
    return true;
}

/* What follows src= or source=; NULL for another field. */
static const char *skip_source(const char *field) {
    static const char *const keys[] = {"src=", "source="};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (g_str_has_prefix(field, keys[i]))
            return field + strlen(keys[i]);
    return NULL;
}

/* Whether all of it are fields, with the name in one of them, rather than NAME or NAME=FILE with
 * fields behind: "id=x" alone is the file x for the secret "id". */
static bool is_list_of_fields(char *const *fields) {
    if (!fields[0] || g_str_has_prefix(fields[0], "type="))
        return fields[0];
    bool is_id = g_str_has_prefix(fields[0], "id="), is_source = skip_source(fields[0]);
    for (char *const *field = fields + 1; *field; field++)
        if ((is_id && (skip_source(*field) || g_str_has_prefix(*field, "env="))) ||
            (is_source && g_str_has_prefix(*field, "id=")))
            return true;
    return false;
}

/* Returns the fields that remain, which may be parts of a file name; the caller frees them. */
static char *secret_take_fields(SecretGiven *secret, char *const *fields) {
    static const char id[] = "id=";
    g_autoptr(GPtrArray) rest = g_ptr_array_new();
    bool is_list = is_list_of_fields(fields);

    for (char *const *field = fields; *field; field++) {
        if (is_list && !secret->name && g_str_has_prefix(*field, id))
            secret->name = g_strdup(*field + strlen(id));
        else if ((field == fields && !is_list) || !secret_take_field(secret, *field))
            g_ptr_array_add(rest, *field);
    }
    g_ptr_array_add(rest, NULL);
    return g_strjoinv(",", (char **)rest->pdata);
}

/* Splits NAME,src=FILE; false for another form. */
static bool secret_take_pair(SecretGiven *secret, const char *text) {
    for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ',')) {
        const char *source = skip_source(comma + 1);
        if (source) {
            secret->name = g_strndup(text, (gsize)(comma - text));
            secret->file = g_strdup(source);
            return true;
        }
    }
    return false;
}

/* Without a name from id=. podman's source= is the name of a secret; a file has a directory. */
static void secret_take_name(SecretGiven *secret, const char *text) {
    const char *source = skip_source(text), *equals = strchr(text, '=');

    if (secret_take_pair(secret, text))
        return;
    if (source && !strchr(source, '/')) {
        secret->name = g_strdup(source);
        return;
    }
    secret->name = equals ? g_strndup(text, (gsize)(equals - text)) : g_strdup(text);
    secret->file = equals ? g_strdup(equals + 1) : NULL;
}

static SecretGiven secret_parse(const char *text) {
    SecretGiven secret = {.attributes = {UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    g_auto(GStrv) fields = g_strsplit(text, ",", -1);
    g_autofree char *rest = secret_take_fields(&secret, fields);
    const char *source = skip_source(rest);

    if (!secret.name)
        secret_take_name(&secret, rest);
    else if (source)
        secret.file = g_strdup(source);
    else
        secret.unknown = rest[0] ? g_strdup(rest) : NULL;
    if (!secret.target)
        secret.target = g_strdup(secret.name);
    return secret;
}

static int secret_append_attributes(sd_bus_message *call, const SecretGiven *secret) {
    static const char *const keys[BERTH_SECRET_ATTRIBUTES] = {
        [BERTH_SECRET_UID] = "UID",
        [BERTH_SECRET_GID] = "GID",
        [BERTH_SECRET_MODE] = "Mode",
    };
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    for (unsigned i = 0; r >= 0 && i < BERTH_SECRET_ATTRIBUTES; i++)
        if (secret->attributes[i] != UINT32_MAX)
            r = sd_bus_message_append(call, "{sv}", keys[i], "u", secret->attributes[i]);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

/* secret: if not NULL, its attributes are part of the item. sd-bus duplicates the descriptor
 * (sd_bus_message_append(3), "h"), so it is always closed here. */
static int secret_append(sd_bus_message *call, const char *name, const char *path,
                         const SecretGiven *secret, GError **error) {
    berth_autofd int file = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    int r;

    if (file < 0) {
        berth_error_set_errno(error, errno, "%s", path);
        return -EIO;
    }
    if (!secret)
        return sd_bus_message_append(call, "(sh)", name, file);
    if ((r = sd_bus_message_open_container(call, 'r', "sha{sv}")) < 0 ||
        (r = sd_bus_message_append(call, "sh", name, file)) < 0 ||
        (r = secret_append_attributes(call, secret)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int secret_append_credential(sd_bus_message *call, const char *name, const char *target,
                                    const SecretGiven *secret, GError **error) {
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");

    if (!name[0]) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("--secret: a name is missing, as in --secret=NAME=FILE"));
        return -EINVAL;
    }
    if (!directory) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("--secret=%s: there are no credentials of a unit; name a file, as "
                          "--secret=%s=FILE"),
                        name, name);
        return -EINVAL;
    }
    g_autofree char *path = g_build_filename(directory, name, NULL);
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                        _("--secret=%s: the unit has no credential \"%s\", and there is none in "
                          "/etc/credstore"),
                        name, name);
        return -ENOENT;
    }
    return secret_append(call, target, path, secret, error);
}

/* If the unit has no credentials, nothing is appended, which is not an error. */
static int secrets_append_all(sd_bus_message *call, unsigned *descriptors, GError **error) {
    const char *path = g_getenv("CREDENTIALS_DIRECTORY"), *name;
    g_autoptr(GDir) directory = path ? g_dir_open(path, 0, error) : NULL;
    int r = 0;

    if (path && !directory)
        return -EIO;
    for (; r >= 0 && directory && (name = g_dir_read_name(directory)); ++*descriptors)
        r = secret_append_credential(call, name, name, NULL, error);
    return r;
}

/* A file name may contain commas, so a field that is not known is taken for a part of it. If only
 * the name before the comma exists, the field is what is wrong. */
static bool secret_find_bad_field(const SecretGiven *secret, GError **error) {
    const char *comma = secret->file ? strchr(secret->file, ',') : NULL;
    g_autofree char *before = comma ? g_strndup(secret->file, (gsize)(comma - secret->file)) : NULL;

    if (!comma || access(secret->file, F_OK) == 0 || access(before, F_OK) < 0)
        return false;
    berth_error_set(
        error, BERTH_ERROR_INVALID_ARGUMENT,
        _("--secret: invalid field \"%s\"; there are type=mount, type=env, target=NAME, "
          "uid=ID, gid=ID and mode=OCTAL"),
        comma + 1);
    return true;
}

/* The service checks names. */
static bool secret_check_target(const SecretGiven *secret, GError **error) {
    return secret->is_variable || g_str_equal(secret->target, secret->name) ||
           !strchr(secret->target, '/') ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("--secret: the target \"%s\" is not a name: secrets are files in "
                             "/run/secrets; --volume mounts a file elsewhere"),
                           secret->target);
}

static int secret_append_given(sd_bus_message *call, const SecretGiven *secret, GError **error) {
    const char *comma = strchr(secret->name, ','),
               *other = secret->unknown ? secret->unknown : (comma ? comma + 1 : NULL);
    const SecretGiven *owned = secret_given_has_attributes(secret) ? secret : NULL;

    if (other) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                        _("--secret: the field \"%s\" of a secret is not supported: only type=, "
                          "target=, uid=, gid= and mode= are"),
                        other);
        return -EINVAL;
    }
    if (owned && secret->is_variable) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("--secret: uid=, gid= and mode= are of a file, not of a variable"));
        return -EINVAL;
    }
    if (!secret_check_target(secret, error))
        return -EINVAL;
    if (secret_find_bad_field(secret, error))
        return -EINVAL;
    return secret->file
               ? secret_append(call, secret->target, secret->file, owned, error)
               : secret_append_credential(call, secret->name, secret->target, owned, error);
}

/* The options of Create that secrets become. */
typedef enum { SECRETS_PLAIN, SECRETS_OWNED, SECRETS_VARIABLES, SECRETS_KINDS } SecretsKind;

static SecretsKind secret_get_kind(const SecretGiven *secret) {
    return secret->is_variable                   ? SECRETS_VARIABLES
           : secret_given_has_attributes(secret) ? SECRETS_OWNED
                                                 : SECRETS_PLAIN;
}

/* A list that would be empty is left out. */
static int secrets_append_kind(sd_bus_message *call, char *const *secrets, bool credentials,
                               SecretsKind kind, unsigned *descriptors, GError **error) {
    static const char *const options[SECRETS_KINDS][2] = {
        [SECRETS_PLAIN] = {"Secrets", "(sh)"},
        [SECRETS_OWNED] = {"SecretFiles", "(sha{sv})"},
        [SECRETS_VARIABLES] = {"SecretVariables", "(sh)"},
    };
    bool open = credentials && kind == SECRETS_PLAIN;
    int r = open ? dist_open_list(call, options[kind][0], options[kind][1]) : 0;

    for (; r >= 0 && secrets && *secrets; secrets++) {
        g_auto(SecretGiven) secret = secret_parse(*secrets);
        if (secret_get_kind(&secret) != kind)
            continue;
        if (!open && (r = dist_open_list(call, options[kind][0], options[kind][1])) < 0)
            return r;
        open = true;
        r = secret_append_given(call, &secret, error);
        ++*descriptors;
    }
    if (r >= 0 && credentials && kind == SECRETS_PLAIN)
        r = secrets_append_all(call, descriptors, error);
    return r < 0 || !open ? r : dist_close_list(call);
}

int dist_append_secrets(sd_bus_message *call, char *const *secrets, bool credentials,
                        unsigned *descriptors, GError **error) {
    int r = 0;

    for (unsigned kind = 0; r >= 0 && kind < SECRETS_KINDS; kind++)
        r = secrets_append_kind(call, secrets, credentials, kind, descriptors, error);
    return r;
}
