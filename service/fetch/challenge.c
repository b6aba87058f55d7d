/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses challenges. A challenge is the result of parsing the headers once; it has no states and
 * belongs to the request that was challenged. The grammar is ambiguous: a comma separates
 * challenges as well as the parameters of one. A parameter is followed by "=", a scheme is not.
 */

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

/* Reads a token or a quoted string and moves *text past it. */
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

/* Whether a name is followed by "=", which makes it a parameter of the challenge before it. Without
 * "=" it is a scheme, since one line may hold several challenges. */
static bool is_parameter(const char *text) {
    text += strcspn(text, "= \t,");
    text += strspn(text, " \t");
    return *text == '=';
}

static void take_parameter(BerthChallenge *challenge, const char **text) {
    size_t length = strcspn(*text, "= \t,");
    g_autofree char *name = g_ascii_strdown(*text, (gssize)length);

    *text += length;
    *text += strspn(*text, "= \t");
    g_autofree char *value = take_value(text);
    char **member = g_str_equal(name, "realm")     ? &challenge->realm
                    : g_str_equal(name, "service") ? &challenge->service
                    : g_str_equal(name, "scope")   ? &challenge->scope
                                                   : NULL;
    if (member) {
        g_free(*member);
        *member = g_steal_pointer(&value);
    }
}

/* Returns the next challenge in a line and moves *text past it. It is of use only if is_basic or
 * realm is set. */
static BerthChallenge *take_challenge(const char **text) {
    BerthChallenge *challenge = g_new0(BerthChallenge, 1);
    size_t length = strcspn(*text, " \t,");
    bool is_bearer =
        length == strlen("Bearer") && g_ascii_strncasecmp(*text, "Bearer", length) == 0;

    challenge->is_basic =
        length == strlen("Basic") && g_ascii_strncasecmp(*text, "Basic", length) == 0;
    *text = skip_space(*text + length);
    while (**text && is_parameter(*text)) {
        take_parameter(challenge, text);
        *text = skip_space(*text);
    }
    /* The realm of another scheme is not a token server, and an empty one is none. */
    if (!is_bearer || (challenge->realm && challenge->realm[0] == '\0'))
        g_clear_pointer(&challenge->realm, g_free);
    return challenge;
}

/* Whether one of the scopes (TYPE:NAME:ACTIONS) is for the same name, whatever its actions are. */
static bool names_same(const char *scopes, const char *scope) {
    const char *name = strchr(scope, ':'), *actions = strrchr(scope, ':');
    g_autofree char *part = name ? g_strndup(name, (gsize)(actions - name) + 1) : g_strdup(scope);

    return strstr(scopes, part) != NULL;
}

/* Not every challenge asks for what the request needs: public.ecr.aws always has the scope "aws".
 * As in containerd, the scope of the request is then added. */
static void complete_challenge(BerthChallenge *challenge, const char *scope) {
    const char *theirs = challenge->scope ? challenge->scope : "";

    if (!challenge->service)
        challenge->service = g_strdup("");
    if (scope && names_same(theirs, scope))
        return;
    char *whole = !theirs[0] ? g_strdup(scope)
                  : scope    ? g_strconcat(theirs, " ", scope, NULL)
                             : g_strdup(theirs);
    g_free(challenge->scope);
    challenge->scope = whole;
}

BerthChallenge *berth_challenge_parse(const char *headers, const char *scope, GError **error) {
    g_auto(GStrv) lines = g_strsplit(headers, "\n", -1);
    g_autoptr(BerthChallenge) basic = NULL;

    for (char **line = lines; *line; line++)
        for (const char *text = skip_space(*line); *text;) {
            g_autoptr(BerthChallenge) challenge = take_challenge(&text);
            if (challenge->realm) {
                complete_challenge(challenge, scope);
                return g_steal_pointer(&challenge);
            }
            if (challenge->is_basic && !basic)
                basic = g_steal_pointer(&challenge);
        }
    /* Bearer is preferred: Basic is used only if no challenge names a token server. */
    if (basic)
        return g_steal_pointer(&basic);
    berth_error_set(error, BERTH_ERROR_UNAUTHORIZED,
                    "the registry wants credentials of an unknown kind: %.100s",
                    headers[0] ? lines[0] : "it does not say which");
    return NULL;
}
