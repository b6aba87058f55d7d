/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Secret= of a container. A secret is a credential of the unit (systemd.exec(5), "Credentials"):
 * one that [Service] loads or sets, or else the file of that name in systemd's credential store,
 * /etc/credstore. dist passes it on; it never appears in a command line or a unit, and in the
 * environment only with type=env.
 */

#include "generator/conversion.h"
#include "generator/secret-attribute.h"
#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>

typedef struct {
    const char *name;   /* of the credential */
    const char *target; /* in /run/secrets of the container, or of the variable; NULL: the same */
    const char *attributes[BERTH_SECRET_ATTRIBUTES]; /* of the file; NULL: not given */
    bool is_variable;
} Secret;

/* systemd's own rule, under which no name can end its line of the unit. Specifiers are left to
 * systemd. */
static bool is_name(const char *text) {
    for (const char *c = text; *c; c++)
        if (!g_ascii_isprint(*c) || strchr("/:\\", *c))
            return false;
    return text[0] != '\0';
}

/* A shell could not use a variable with other characters, but the kernel accepts any. */
static bool secret_is_target(const char *text, bool is_variable) {
    return is_name(text) && !(is_variable && strchr(text, '='));
}

/* Keeps the text: dist reads it again. */
static bool secret_read_attribute(const char *field, Secret *secret) {
    BerthSecretAttribute attribute;
    guint32 value;

    if (!berth_secret_attribute_read(field, &attribute, &value))
        return false;
    secret->attributes[attribute] = strchr(field, '=') + 1;
    return true;
}

static bool secret_has_attributes(const Secret *secret) {
    for (unsigned i = 0; i < BERTH_SECRET_ATTRIBUTES; i++)
        if (secret->attributes[i])
            return true;
    return false;
}

static bool secret_read_field(const char *field, Secret *secret) {
    static const char target[] = "target=";

    if (g_str_equal(field, "type=env"))
        secret->is_variable = true;
    else if (g_str_has_prefix(field, target))
        secret->target = field + strlen(target);
    else
        return g_str_equal(field, "type=mount") || secret_read_attribute(field, secret);
    return true;
}

/* Whether [Service] itself defines a credential of this name: KEY=NAME:… */
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

/* In the form of dist's --secret, which is podman's. The caller frees it. */
static char *secret_format(const Secret *secret) {
    GString *text = g_string_new(secret->name);

    g_string_append(text, secret->is_variable ? ",type=env" : "");
    if (secret->target)
        g_string_append_printf(text, ",target=%s", secret->target);
    for (unsigned i = 0; i < BERTH_SECRET_ATTRIBUTES; i++)
        if (secret->attributes[i])
            g_string_append_printf(text, ",%s=%s", berth_secret_attribute_names[i],
                                   secret->attributes[i]);
    return g_string_free(text, FALSE);
}

static void secret_check(const BerthConversion *conversion, const BerthUnitLine *line,
                         const char *text, const Secret *secret) {
    if (!secret->name || !is_name(secret->name) || strpbrk(secret->name, ",="))
        berth_unit_line_error(conversion->problems, line, _("\"%s\" is not the name of a secret"),
                              text);
    else if (!secret_is_target(secret->target ? secret->target : secret->name, secret->is_variable))
        berth_unit_line_error(
            conversion->problems, line,
            _("\"target=%s\" of a secret is neither a file in /run/secrets nor a variable"),
            secret->target);
    if (secret->is_variable && secret_has_attributes(secret))
        berth_unit_line_error(conversion->problems, line, "%s",
                              _("uid=, gid= and mode= of a secret are of a file, not of a "
                                "variable"));
}

static void convert_secret(const BerthConversion *conversion, const BerthUnitLine *line,
                           const char *text, GPtrArray *words) {
    g_auto(GStrv) fields = g_strsplit(text, ",", -1);
    Secret secret = {.name = fields[0]};
    g_autofree char *reason = NULL;

    for (char **field = fields[0] ? fields + 1 : fields; *field; field++)
        if (!secret_read_field(*field, &secret))
            berth_unit_line_error(conversion->problems, line,
                                  _("the field \"%s\" of a secret is not supported: only type=, "
                                    "target=, uid=, gid= and mode= are"),
                                  *field);
    secret_check(conversion, line, text, &secret);
    g_autofree char *value = secret_format(&secret);
    if (!berth_option_check(BERTH_VERB_RUN, "secret", value, &reason)) {
        berth_conversion_refuse(conversion, line, reason);
        return;
    }
    berth_conversion_add_option(words, "secret", value);
    if (!secret.name || is_given(conversion->source->file, secret.name))
        return;
    g_autofree char *credential = g_strconcat(secret.name, ":", secret.name, NULL);
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
