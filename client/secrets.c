/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist opens the files with its caller's rights and passes descriptors: it does not read them, and
 * their contents are in no message. A name alone is a credential of the unit that dist runs in
 * (systemd.exec(5), LoadCredential=).
 */

#include "client/secrets.h"

#include "base/fd.h"
#include "client/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* sd-bus duplicates the descriptor (sd_bus_message_append(3), "h"), so it is closed here in any
 * case. */
static int secret_append(sd_bus_message *call, const char *name, const char *path, GError **error) {
    berth_autofd int file = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

    if (file < 0) {
        berth_error_set_errno(error, errno, "%s", path);
        return -EIO;
    }
    return sd_bus_message_append(call, "(sh)", name, file);
}

static int secret_append_credential(sd_bus_message *call, const char *name, GError **error) {
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");

    if (!directory) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("--secret=%s: there are no credentials of a unit; name a file, as "
                          "--secret=%s=FILE"),
                        name, name);
        return -EINVAL;
    }
    g_autofree char *path = g_build_filename(directory, name, NULL);
    return secret_append(call, name, path, error);
}

/* "NAME" is a credential of the unit; "NAME=FILE" and podman's "NAME,src=FILE" name a file. */
static int secret_append_given(sd_bus_message *call, const char *text, GError **error) {
    static const char source[] = ",src=";
    const char *comma = strstr(text, source), *equals = strchr(text, '=');
    const char *other = strchr(text, ',');

    /* podman's options type=, target=, uid= and so on. */
    if (other && other < equals && other != comma) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                        _("--secret: \"%s\" is not supported: a secret is a file in /run/secrets"),
                        other + 1);
        return -EINVAL;
    }
    if (!comma && !equals)
        return secret_append_credential(call, text, error);
    g_autofree char *name = g_strndup(text, (gsize)((comma ? comma : equals) - text));
    return secret_append(call, name, comma ? comma + strlen(source) : equals + 1, error);
}

/* Without credentials of a unit there is nothing to append, and that is no error. */
static int secrets_append_all(sd_bus_message *call, GError **error) {
    const char *path = g_getenv("CREDENTIALS_DIRECTORY"), *name;
    g_autoptr(GDir) directory = path ? g_dir_open(path, 0, error) : NULL;
    int r = 0;

    if (path && !directory)
        return -EIO;
    while (r >= 0 && directory && (name = g_dir_read_name(directory)))
        r = secret_append_credential(call, name, error);
    return r;
}

int dist_append_secrets(sd_bus_message *call, char *const *secrets, bool credentials,
                        GError **error) {
    int r;

    if (!credentials && (!secrets || !secrets[0]))
        return 0;
    if ((r = dist_open_list(call, "Secrets", "(sh)")) < 0)
        return r;
    for (; r >= 0 && secrets && *secrets; secrets++)
        r = secret_append_given(call, *secrets, error);
    if (r >= 0 && credentials)
        r = secrets_append_all(call, error);
    return r < 0 ? r : dist_close_list(call);
}
