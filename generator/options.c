/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks options against dist's tables (tools/client-options generates the header with them). There
 * is no state.
 */

#include "generator/options.h"

#include "client-options.h"
#include "generator/translate.h"
#include "generator/values.h"

#include <string.h>

static const BerthOption *const verbs[] = {
    [BERTH_VERB_GLOBAL] = global_options,
    [BERTH_VERB_RUN] = run_options,
    [BERTH_VERB_PULL] = pull_options,
    [BERTH_VERB_VOLUME_CREATE] = volume_create_options,
    [BERTH_VERB_NETWORK_CREATE] = network_create_options,
    [BERTH_VERB_POD_CREATE] = pod_create_options,
    [BERTH_VERB_BUILD] = build_options,
};

const BerthOption *berth_option_find(BerthVerb verb, const char *name, size_t length) {
    for (const BerthOption *option = verbs[verb]; option->name; option++)
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

static const BerthOption *find_option_by_letter(BerthVerb verb, char letter) {
    for (const BerthOption *option = verbs[verb]; option->name; option++)
        if (option->letter == letter)
            return option;
    return NULL;
}

static bool options_refuse(char **reason, char *text) {
    *reason = text;
    return false;
}

static bool check_value(const BerthOption *option, const char *value, char **reason) {
    if (option->kind == BERTH_OPTION_REFUSED)
        return options_refuse(reason, g_strdup(_(option->reason)));
    if (option->choices && value && !g_strv_contains(option->choices, value))
        return options_refuse(reason,
                              g_strdup_printf("%s", option->reason ? _(option->reason) : value));
    return true;
}

bool berth_option_check(BerthVerb verb, const char *name, const char *value, char **reason) {
    const BerthOption *option = berth_option_find(verb, name, strlen(name));

    if (!option)
        return options_refuse(reason, g_strdup_printf(_("dist has no option --%s for it"), name));
    return check_value(option, value, reason);
}

/* A unit waits for its container, and chooses its name. */
static bool check_unit_option(BerthVerb verb, const BerthOption *option, char **reason) {
    static const char *const owned[] = {"detach", "name",   "id",     "replace", "rm",
                                        "cgroup", "notify", "bundle", "tty",     NULL};

    if ((verb == BERTH_VERB_RUN || verb == BERTH_VERB_POD_CREATE) &&
        g_strv_contains(owned, option->name))
        return options_refuse(
            reason, g_strdup_printf(_("--%s cannot be set in a unit file"), option->name));
    return true;
}

/* Finds the option of a word and the value in it; sets *takes_next if the value is the next word.
 */
static const BerthOption *find_option(BerthVerb verb, const char *word, const char **value,
                                      bool *takes_next) {
    const BerthOption *option = NULL;
    const char *equals = strchr(word, '=');

    *value = NULL;
    if (g_str_has_prefix(word, "--")) {
        size_t length = equals ? (size_t)(equals - word) - 2 : strlen(word + 2);
        option = berth_option_find(verb, word + 2, length);
        *value = equals ? equals + 1 : NULL;
    } else if (word[0] == '-' && word[1]) {
        option = find_option_by_letter(verb, word[1]);
        /* Several flags in one word, such as "-it", are not split: they must be written separately.
         */
        if (option && option->kind == BERTH_OPTION_FLAG && word[2])
            option = NULL;
        if (option && word[2])
            *value = word + 2 + (word[2] == '=');
    }
    *takes_next = option && !*value &&
                  (option->kind == BERTH_OPTION_VALUE || option->kind == BERTH_OPTION_LIST);
    return option;
}

/* The caller frees *reason, which is set only if this returns false. */
bool berth_options_check_line(BerthVerb verb, char *const *words, char **reason) {
    for (; *words; words++) {
        const char *value;
        bool takes_next;
        const BerthOption *option = find_option(verb, *words, &value, &takes_next);
        g_autofree char *why = NULL;
        if (!option && (*words)[0] != '-')
            return options_refuse(reason, g_strdup_printf(_("\"%s\" is not an option"), *words));
        if (!option)
            return options_refuse(reason,
                                  g_strdup_printf(_("dist has no option %s for it"), *words));
        if (takes_next && !words[1])
            return options_refuse(reason, g_strdup_printf(_("%s needs a value"), *words));
        if (!check_unit_option(verb, option, reason))
            return false;
        value = takes_next ? words[1] : value;
        if (!check_value(option, value, &why))
            return options_refuse(
                reason, g_strdup_printf(_("--%s is not supported: %s"), option->name, why));
        const char *wanted = value ? berth_value_get_wanted(option->name, value) : NULL;
        if (wanted)
            return options_refuse(reason, g_strdup_printf(_("--%s=%s is not valid; use %s"),
                                                          option->name, value, wanted));
        words += takes_next;
    }
    return true;
}
