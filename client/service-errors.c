/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Translates errors of the service, which answers every client in English and states facts. The
 * formats of its texts are a stable list (docs/errors.md), which is compiled in: a text is split by
 * the format that produced it and put together again in the caller's language, with a hint at what
 * to do.
 */

#include "client/service-errors.h"

#include "base/bus-error.h"
#include "client/hints.h"
#include "client/pattern.h"
#include "client/translate.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

static const struct {
    const char *format;
} texts[] = {
#include "service-texts.h"
};

enum { MAX_ERRNO = 133, MAX_DEPTH = 4 };

/* Translates the text of an errno, which the service sends in English, by comparing it with the
 * texts of the C locale. The caller frees the result; NULL if it is another text. */
static char *translate_errno(const char *text) {
    locale_t english = newlocale(LC_ALL_MASK, "C", NULL);
    char *translated = NULL;

    for (int number = 1; english && number <= MAX_ERRNO && !translated; number++)
        if (g_str_equal(strerror_l(number, english), text))
            translated = g_strdup(g_strerror(number));
    if (english)
        freelocale(english);
    return translated;
}

static char *translate_text(const char *text, int depth);

/* The last argument of a format that ends with ": %s" is the cause, a text of its own. */
static void translate_cause(const char *format, GPtrArray *arguments, int depth) {
    if (!g_str_has_suffix(format, ": %s") || arguments->len == 0 || depth == MAX_DEPTH)
        return;
    char **last = (char **)&arguments->pdata[arguments->len - 1];
    g_autofree char *cause = *last;
    *last = translate_text(cause, depth + 1);
}

static char *translate_whole(const char *text, int depth) {
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *translation = _(texts[i].format);
        g_autoptr(GPtrArray) arguments =
            translation == texts[i].format ? NULL : dist_pattern_match(texts[i].format, text);
        if (arguments) {
            translate_cause(texts[i].format, arguments, depth);
            return dist_pattern_fill(translation, arguments);
        }
    }
    return translate_errno(text);
}

/* Translates a text as a whole or, if it is unknown, part by part, split at ": ": known parts are
 * translated, the others kept. The depth is limited, since the text comes from outside. */
static char *translate_text(const char *text, int depth) {
    g_autofree char *whole = translate_whole(text, depth);

    if (whole || depth == MAX_DEPTH)
        return whole ? g_steal_pointer(&whole) : g_strdup(text);
    const char *colon = strstr(text, ": ");
    if (!colon)
        return g_strdup(text);
    g_autofree char *head = g_strndup(text, (gsize)(colon - text));
    g_autofree char *first = translate_whole(head, depth);
    g_autofree char *rest = translate_text(colon + 2, depth + 1);
    return g_strconcat(first ? first : head, ": ", rest, NULL);
}

/* Words a refusal of polkit's to fit a line of 80 columns: the action, without the common prefix,
 * and what helps. Other refusals are about the caller's identity, or come from the bus. */
static bool set_refusal(GError **error, const char *text, const char *translated) {
    static const char challenge[] = "org.berth1.%s needs an administrator's authorization";
    static const char refusal[] = "polkit does not allow org.berth1.%s";
    g_autoptr(GPtrArray) challenged = dist_pattern_match(challenge, text);
    g_autoptr(GPtrArray) refused = dist_pattern_match(refusal, text);

    if (challenged)
        return berth_error_set(error, BERTH_ERROR_ACCESS_DENIED,
                               _("Permission denied: %s needs sudo or a rule"),
                               (const char *)challenged->pdata[0]);
    if (refused)
        return berth_error_set(error, BERTH_ERROR_ACCESS_DENIED,
                               _("Permission denied: %s; see berth-polkit(7)"),
                               (const char *)refused->pdata[0]);
    return berth_error_set(error, BERTH_ERROR_ACCESS_DENIED, _("Permission denied: %s"),
                           translated);
}

/* For a port without a port of the host, dist sends "0:80" (run-values.c), which a text of the
 * service repeats: it becomes what the user has typed. The caller frees the result. */
static char *name_port_as_given(const char *text) {
    const char *port = strstr(text, "port ") ? strchr(text, '"') : NULL;
    const char *end = port ? strchr(port + 1, '"') : NULL;
    const char *colon = end ? g_strrstr_len(port, end - port, ":") : NULL;

    if (!colon || colon[-1] != '0' || (colon[-2] != '"' && colon[-2] != ':'))
        return g_strdup(text);
    const char *rest = colon[-2] == '"' ? colon + 1 : colon;
    return g_strdup_printf("%.*s%s", (int)(colon - 1 - text), text, rest);
}

bool dist_set_bus_error(GError **error, const sd_bus_error *reason, int errnum) {
    g_autofree char *text =
        name_port_as_given(reason->message ? reason->message : g_strerror(errnum));
    bool is_refusal =
        sd_bus_error_has_name(reason, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ||
        sd_bus_error_has_name(reason, SD_BUS_ERROR_ACCESS_DENIED);
    BerthErrorCode code =
        is_refusal ? BERTH_ERROR_ACCESS_DENIED : berth_error_from_bus_name(reason->name);
    g_autofree char *translated = translate_text(text, 0);
    g_autofree char *whole = dist_hint_complete(code, text, translated);

    if (is_refusal)
        return set_refusal(error, text, translated);
    return berth_error_set(error, code, "%s", whole);
}
