/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Completion for the shells. The line is parsed as if it were run, up to its last word; the tables
 * of verbs and options say what may follow. Names of containers, images and so on come from the
 * service, which lists those that the caller may see; no password is asked for. Errors are ignored:
 * if there are no candidates, the shell offers files.
 */

#include "client/completion.h"

#include "client/aliases.h"
#include "client/bus.h"
#include "client/completion-hosts.h"
#include "client/completion-values.h"
#include "client/listing.h"
#include "client/pods.h"
#include "client/verbs.h"

#include <stdio.h>
#include <string.h>

static const char *partial = ""; /* the word to complete, as far as it has been typed */

static void complete_offer(const char *prefix, const char *text) {
    g_autofree char *candidate = g_strconcat(prefix, text, NULL);

    if (g_str_has_prefix(candidate, partial))
        puts(candidate);
}

/* The part of the word before the value, such as "--network=". */
static const char *value_prefix = "";

static void complete_offer_value(const char *text) {
    complete_offer(value_prefix, text);
}

static void complete_offer_word(const char *text) {
    complete_offer("", text);
}

static void complete_option(const DistOption *option, void *userdata) {
    (void)userdata;
    if (option->name[0] && option->help && option->kind != DIST_OPTION_REFUSED &&
        option->kind != DIST_OPTION_ONLY)
        complete_offer("--", option->name);
}

static void complete_verbs(const DistVerb *verbs) {
    for (; verbs->name; verbs++)
        complete_offer("", verbs->name);
}

/* Reads an item of any listing: all are structures that begin with a name. */
static int complete_offer_item(sd_bus_message *reply, char **key, void *userdata) {
    const char *contents, *name;
    char type;
    int r;

    (void)userdata;
    if ((r = sd_bus_message_peek_type(reply, &type, &contents)) < 0 ||
        (r = sd_bus_message_enter_container(reply, type, contents)) < 0 ||
        (r = sd_bus_message_read(reply, "s", &name)) < 0)
        return r;
    if (dist_is_plain_word(name))
        complete_offer_value(name);
    *key = g_strdup(name);
    if ((r = sd_bus_message_skip(reply, contents + 1)) < 0)
        return r;
    return sd_bus_message_exit_container(reply);
}

static void complete_list(const char *path, const char *interface) {
    const DistListing listing = {path, interface, "List"};
    g_autoptr(GError) error = NULL;

    dist_list(&listing, complete_offer_item, NULL, &error);
}

/* Only names are offered, and some properties, such as the size, are expensive for the service. */
static int append_no_properties(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return sd_bus_message_append(call, "{sv}", "Properties", "as", 0);
}

static void complete_containers(void) {
    complete_list(DIST_CONTAINERS);
}

static void complete_images(void) {
    const DistListing listing = {DIST_IMAGES, "List", .filter = append_no_properties};
    g_autoptr(GError) error = NULL;

    dist_list(&listing, complete_offer_item, NULL, &error);
}

static void complete_volumes(void) {
    complete_list(DIST_VOLUMES);
}

static void complete_pods(void) {
    complete_list(DIST_PODS);
}

static void complete_known_networks(void) {
    complete_list(DIST_NETWORKS);
}

static void complete_networks(void) {
    complete_offer_value("none");
    complete_offer_value("host");
    complete_known_networks();
}

static void complete_leases(void) {
    complete_list(DIST_LEASES);
}

/* Names of arguments as the help shows them, and the function that offers values for each. */
static const struct {
    const char *group, *name;
    void (*offer)(void);
} known_values[] = {
    {"", "ID", complete_containers},
    {"content", "ID", complete_containers},
    {"", "IMAGE", complete_images},
    {"", "NAME", complete_images},
    {"volume", "NAME", complete_volumes},
    {"pod", "NAME", complete_pods},
    {"network", "NAME", complete_known_networks},
    {"lease", "ID", complete_leases},
};

/* Whether the arguments begin with this one: "ID", "[ID…]", "ID:PATH". */
static bool is_called(const char *arguments, const char *name) {
    arguments += arguments[0] == '[';
    return g_str_has_prefix(arguments, name) && !g_ascii_isalpha(arguments[strlen(name)]);
}

/* "ID…" takes any number of ids; in "ID COMMAND…" only the command repeats. */
static bool is_repeated(const char *arguments) {
    g_auto(GStrv) words = g_strsplit(arguments, " ", 2);

    return words[0] && strstr(words[0], "…");
}

/* before: how many arguments are complete. Another one is completed only if the first is a list. */
static void complete_argument(const char *group, const DistVerb *verb, int before) {
    /* Each argument of cp may be a path in a container. */
    bool is_copy = g_str_equal(verb->name, "cp");

    if (is_copy && strchr(partial, ':')) {
        dist_offer_container_files(partial, complete_offer_word);
        return;
    }
    if (before > 0 && !is_copy && !is_repeated(verb->arguments))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(known_values); i++)
        if (g_str_equal(known_values[i].group, group) &&
            is_called(verb->arguments, known_values[i].name)) {
            known_values[i].offer();
            return;
        }
}

/* Values that are names of objects of the service. */
static const struct {
    const char *option;
    void (*offer)(void);
} known_options[] = {
    {"network", complete_networks},
    {"net", complete_networks},
    {"volume", complete_volumes},
    {"pod", complete_pods},
};

static void complete_value(const DistOption *option, const char *before) {
    const char *typed = partial + strlen(before);

    value_prefix = before;
    if (g_str_equal(option->name, "host"))
        dist_offer_hosts(typed, complete_offer_value);
    else if (g_str_equal(option->name, "machine"))
        dist_offer_machines(typed, complete_offer_value);
    else if (!dist_offer_values(option, complete_offer_value))
        for (size_t i = 0; i < G_N_ELEMENTS(known_options); i++)
            if (g_str_equal(known_options[i].option, option->name))
                known_options[i].offer();
    value_prefix = "";
}

static const DistOption *find_option(const DistOption *options, const char *word) {
    if (g_str_has_prefix(word, "--"))
        return strchr(word, '=') ? NULL : dist_option_find(options, word + 2, strlen(word + 2));
    return word[0] == '-' && word[1] ? dist_option_find_letter(options, word[strlen(word) - 1])
                                     : NULL;
}

/* The option whose value is to be completed, because the word before the cursor is its name. verb
 * is NULL before the verb. "-Hone" already has its value: letters of the common options cannot be
 * combined. */
static const DistOption *find_open_option(const DistVerb *verb, const char *word) {
    const DistOption *option = verb ? find_option(verb->options, word) : NULL;

    if (!option && (g_str_has_prefix(word, "--") || strlen(word) == 2))
        option = find_option(dist_common_options, word);
    return option && dist_option_has_value(option) ? option : NULL;
}

/* Completes "--network=na". verb is NULL before the verb. */
static void complete_assignment(const DistVerb *verb) {
    size_t length = strcspn(partial, "=");
    g_autofree char *before = g_strndup(partial, length + 1);
    g_autofree char *name = g_strndup(partial, length);
    const DistOption *option = verb ? dist_option_find(verb->options, name + 2, length - 2) : NULL;

    if (!option)
        option = dist_option_find(dist_common_options, name + 2, length - 2);
    if (option)
        complete_value(option, before);
}

/* words: from the verb on, without the one to complete. */
static void complete_verb(const char *group, const DistVerb *verb, char *const *words) {
    int before = 0;

    if (verb->verbs) {
        const DistVerb *inner = words[1] ? dist_verb_find_in(verb->verbs, words[1]) : NULL;
        if (inner)
            complete_verb(verb->name, inner, words + 1);
        else if (!words[1])
            complete_verbs(verb->verbs);
        return;
    }
    if (g_str_has_prefix(partial, "--") && strchr(partial, '=')) {
        complete_assignment(verb);
        return;
    }
    if (partial[0] == '-') {
        dist_option_visit(verb->options, complete_option, NULL);
        dist_option_visit(dist_common_options, complete_option, NULL);
        return;
    }
    for (int i = 1; words[i]; i++) {
        const DistOption *open = find_open_option(verb, words[i]);
        if (open && !words[i + 1]) {
            complete_value(open, "");
            return;
        }
        before += words[i][0] != '-';
        i += open != NULL;
    }
    complete_argument(group, verb, before);
}

/* Offers the first words of aliases, or the second words of those that begin with first. Equal
 * first words are adjacent in the table, so each is offered once. ctr's words are accepted so that
 * its command lines can be pasted; they are not offered beside words that mean the same. */
static void complete_aliases(const char *first) {
    static const char *const of_ctr[] = {"containers", "images", "leases", "tasks", NULL};
    const char *last = "";

    for (const DistAlias *alias = dist_aliases; alias->words; alias++) {
        size_t length = strcspn(alias->words, " ");
        g_autofree char *word = g_strndup(alias->words, length);
        if (first && g_str_equal(word, first) && alias->words[length])
            complete_offer("", alias->words + length + 1);
        else if (!first && !g_str_has_prefix(alias->words, last) && !g_strv_contains(of_ctr, word))
            complete_offer("", word);
        if (!first)
            last = alias->words[length] ? g_intern_string(word) : alias->words;
    }
}

static void complete_words(char **words) {
    g_autofree char **expanded = dist_alias_expand(words);
    const DistVerb *verb = expanded[0] ? dist_verb_find(expanded[0]) : NULL;
    bool is_help = expanded[0] && g_str_equal(expanded[0], "help");

    if (is_help && !expanded[1]) {
        for (const DistVerbGroup *group = dist_verb_groups; group->name; group++)
            complete_verbs(group->verbs);
        return;
    }

    if (verb)
        complete_verb("", verb, expanded);
    /* A word may be both a verb with inner verbs and the first word of aliases, like "system". */
    if (verb && verb->verbs && !expanded[1])
        complete_aliases(expanded[0]);
    if (!verb && expanded[0] && !expanded[1])
        complete_aliases(expanded[0]);
    if (expanded[0])
        return;
    if (g_str_has_prefix(partial, "--") && strchr(partial, '=')) {
        complete_assignment(NULL);
        return;
    }
    if (partial[0] == '-') {
        dist_option_visit(dist_common_options, complete_option, NULL);
        return;
    }
    for (const DistVerbGroup *group = dist_verb_groups; group->name; group++)
        complete_verbs(group->verbs);
    complete_aliases(NULL);
}

/* Skips the options before the verb, and completes the value of an option that still needs one.
 * NULL if nothing is left to complete. */
static char **complete_common(char **words) {
    for (; *words && (*words)[0] == '-'; words++) {
        const DistOption *open = find_open_option(NULL, *words);
        if (open && !words[1]) {
            complete_value(open, "");
            return NULL;
        }
        words += open != NULL;
    }
    return words;
}

/* Words are split at blanks only: quotes are not interpreted. */
void dist_complete_line(const char *line) {
    g_auto(GStrv) parts = g_strsplit_set(line, " \t", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (char **part = parts; *part; part++)
        if ((*part)[0] || !part[1])
            g_ptr_array_add(words, *part);
    if (words->len < 2)
        return;
    partial = words->pdata[words->len - 1];
    words->pdata[words->len - 1] = NULL;
    char **rest = complete_common((char **)words->pdata + 1);
    if (rest)
        complete_words(rest);
    partial = "";
}
