/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Secret= of a container. A secret is a credential of the unit (systemd.exec(5), "Credentials"):
 * one that [Service] loads or sets, or else the file of that name in systemd's credential store,
 * /etc/credstore. dist passes it on, and it is in no command line, unit or environment.
 */

#include "generator/conversion.h"
#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>

typedef struct {
    const char *name;   /* in the credential store */
    const char *target; /* in /run/secrets of the container */
} Secret;

/* systemd's own rule, by which no name can end its line of the unit. Specifiers are left to it. */
static bool is_name(const char *text) {
    for (const char *c = text; *c; c++)
        if (!g_ascii_isprint(*c) || strchr("/:\\", *c))
            return false;
    return text[0] != '\0';
}

static bool secret_read_field(const char *field, Secret *secret) {
    if (g_str_equal(field, "type=mount"))
        return true;
    if (!g_str_has_prefix(field, "target="))
        return false;
    secret->target = field + strlen("target=");
    return is_name(secret->target);
}

/* Whether [Service] has a credential of this name itself: KEY=NAME:… */
static bool is_given(const BerthUnitFile *file, const char *name) {
    static const char *const keys[] = {"LoadCredential", "LoadCredentialEncrypted", "SetCredential",
                                       "SetCredentialEncrypted"};
    size_t length = strlen(name);

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GPtrArray) lines = berth_unit_file_list(file, "Service", keys[i]);
        for (unsigned j = 0; j < lines->len; j++) {
            const char *value = ((const BerthUnitLine *)lines->pdata[j])->value;
            if (g_str_has_prefix(value, name) && (value[length] == ':' || value[length] == '\0'))
                return true;
        }
    }
    return false;
}

/* The credential gets the name of the file in the container, since that is what dist passes on. */
static void convert_secret(const BerthConversion *conversion, const BerthUnitLine *line,
                           const char *text, GPtrArray *words) {
    g_auto(GStrv) fields = g_strsplit(text, ",", -1);
    Secret secret = {fields[0], fields[0]};
    g_autofree char *reason = NULL;

    if (!fields[0] || !is_name(fields[0]))
        berth_unit_line_error(conversion->problems, line, _("\"%s\" is not the name of a secret"),
                              text);
    for (char **field = fields[0] ? fields + 1 : fields; *field; field++)
        if (!secret_read_field(*field, &secret))
            berth_unit_line_error(
                conversion->problems, line,
                _("the field \"%s\" of a secret is not supported: secrets are files in "
                  "/run/secrets"),
                *field);
    if (!berth_option_check(BERTH_VERB_RUN, "secret", secret.target, &reason)) {
        berth_conversion_refuse(conversion, line, reason);
        return;
    }
    berth_conversion_add_option(words, "secret", secret.target);
    if (is_given(conversion->source->file, secret.target))
        return;
    g_autofree char *credential = g_strconcat(secret.target, ":", secret.name, NULL);
    berth_service_add(conversion->service, "Service", "LoadCredential", credential);
}

void berth_convert_secrets(const BerthConversion *conversion, GPtrArray *words) {
    g_autoptr(GPtrArray) lines =
        berth_unit_file_list(conversion->source->file, conversion->section, "Secret");

    for (unsigned i = 0; i < lines->len; i++) {
        const BerthUnitLine *line = lines->pdata[i];
        g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func(g_free);
        berth_words_split(secrets, line->value);
        for (unsigned j = 0; j < secrets->len; j++)
            convert_secret(conversion, line, secrets->pdata[j], words);
    }
}
