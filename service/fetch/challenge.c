/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fetch/challenge.h"

#include <string.h>

void berth_challenge_free(BerthChallenge *challenge) {
    if (!challenge)
        return;
    g_free(challenge->realm);
    g_free(challenge->service);
    g_free(challenge->scope);
    g_free(challenge);
}

static const char *skip_space(const char *text) {
    return text + strspn(text, " \t,");
}

/* A token or a quoted string; moves *text behind it. */
static char *take_value(const char **text) {
    g_autoptr(GString) value = g_string_new(NULL);

    if (**text != '"') {
        size_t length = strcspn(*text, ", \t");
        char *token = g_strndup(*text, length);
        *text += length;
        return token;
    }
    for ((*text)++; **text && **text != '"'; (*text)++) {
        if (**text == '\\' && (*text)[1])
            (*text)++;
        g_string_append_c(value, **text);
    }
    if (**text == '"')
        (*text)++;
    return g_string_free(g_steal_pointer(&value), FALSE);
}

static BerthChallenge *parse_bearer(const char *text) {
    BerthChallenge *challenge = g_new0(BerthChallenge, 1);

    for (text = skip_space(text); *text; text = skip_space(text)) {
        size_t length = strcspn(text, "= \t,");
        g_autofree char *name = g_ascii_strdown(text, (gssize)length);
        text += length;
        text += strspn(text, " \t");
        /* Without "=" it is the scheme of another challenge in the same line. */
        if (*text != '=')
            break;
        text++;
        text += strspn(text, " \t");
        g_autofree char *value = take_value(&text);
        char **member = g_str_equal(name, "realm")     ? &challenge->realm
                        : g_str_equal(name, "service") ? &challenge->service
                        : g_str_equal(name, "scope")   ? &challenge->scope
                                                       : NULL;
        if (member) {
            g_free(*member);
            *member = g_steal_pointer(&value);
        }
    }
    if (!challenge->service)
        challenge->service = g_strdup("");
    return challenge;
}

static bool has_scheme(const char *line, const char *scheme) {
    size_t length = strlen(scheme);

    return g_ascii_strncasecmp(line, scheme, length) == 0 && strchr(" \t", line[length]);
}

BerthChallenge *berth_challenge_parse(const char *headers, bool needs_scope, GError **error) {
    g_auto(GStrv) lines = g_strsplit(headers, "\n", -1);
    bool offers_basic = false;

    for (char **line = lines; *line; line++) {
        offers_basic = offers_basic || has_scheme(*line, "Basic");
        if (!has_scheme(*line, "Bearer"))
            continue;
        g_autoptr(BerthChallenge) challenge = parse_bearer(*line + strlen("Bearer"));
        if (challenge->realm && (challenge->scope || !needs_scope))
            return g_steal_pointer(&challenge);
    }
    if (offers_basic) {
        BerthChallenge *challenge = g_new0(BerthChallenge, 1);
        challenge->is_basic = true;
        return challenge;
    }
    berth_error_set(error, BERTH_ERROR_UNAUTHORIZED,
                    "the registry wants credentials of a kind that is not known: %.100s",
                    headers[0] ? lines[0] : "it does not say which");
    return NULL;
}
