/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "completion.h"

#include "base/fd.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SCRIPT_BYTES = 65536 };

DistCompletion dist_completion;

static const char *word = ""; /* what is there of the word */

static void offer(const char *prefix, const char *text) {
    g_autofree char *candidate = g_strconcat(prefix, text, NULL);

    if (g_str_has_prefix(candidate, word))
        puts(candidate);
}

void dist_complete_options(const GOptionEntry *entries) {
    for (; entries && entries->long_name; entries++)
        if (entries->long_name[0])
            offer("--", entries->long_name);
}

void dist_complete_verbs(const DistVerb *verbs) {
    for (; verbs->name; verbs++)
        offer("", verbs->name);
}

/* Every list of ours is of structures that begin with a name. */
static int offer_item(sd_bus_message *reply, char **key, void *userdata) {
    const char *contents, *name;
    char type;
    int r;

    (void)userdata;
    if ((r = sd_bus_message_peek_type(reply, &type, &contents)) < 0 ||
        (r = sd_bus_message_enter_container(reply, type, contents)) < 0 ||
        (r = sd_bus_message_read(reply, "s", &name)) < 0)
        return r;
    offer("", name);
    *key = g_strdup(name);
    if ((r = sd_bus_message_skip(reply, contents + 1)) < 0)
        return r;
    return sd_bus_message_exit_container(reply);
}

static void offer_list(const char *path, const char *interface) {
    const DistListing listing = {path, interface, "List"};
    g_autoptr(GError) error = NULL;

    dist_list(&listing, offer_item, NULL, &error);
}

static void offer_containers(void) {
    offer_list(DIST_CONTAINERS);
}

static void offer_images(void) {
    offer_list(DIST_IMAGES);
}

static void offer_volumes(void) {
    offer_list(DIST_VOLUMES);
}

static void offer_leases(void) {
    offer_list(DIST_LEASES);
}

/* The help says what an argument is: "ID", "[ID…]", "ID:PATH". */
static bool is_called(const char *arguments, const char *name) {
    arguments += arguments[0] == '[';
    return g_str_has_prefix(arguments, name) && !g_ascii_isalpha(arguments[strlen(name)]);
}

static bool is_repeated(const char *arguments) {
    g_auto(GStrv) words = g_strsplit(arguments, " ", 2);

    return words[0] && strstr(words[0], "…");
}

void dist_complete_argument(const char *group, const DistVerb *verb, int before) {
    static const struct {
        const char *group, *name;
        void (*offer)(void);
    } known[] = {
        {"", "ID", offer_containers},      {"content", "ID", offer_containers},
        {"", "IMAGE", offer_images},       {"", "NAME", offer_images},
        {"volume", "NAME", offer_volumes}, {"lease", "ID", offer_leases},
    };

    if (before > 0 && !is_repeated(verb->arguments))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(known[i].group, group ? group : "") &&
            is_called(verb->arguments, known[i].name)) {
            known[i].offer();
            return;
        }
}

static bool is_group(const DistVerb *verb) {
    return g_str_equal(verb->arguments, "VERB") ||
           (strchr(verb->arguments, '|') && !strchr(verb->arguments, ' '));
}

/* words: from the verb on, without the one that is completed. */
static void complete_verb(const DistVerb *verb, char **words, int count) {
    g_autoptr(GError) error = NULL;
    int before = 0;

    dist_completion = word[0] == '-' ? DIST_COMPLETE_OPTIONS : DIST_COMPLETE_ARGUMENTS;
    if (is_group(verb) || dist_completion == DIST_COMPLETE_OPTIONS) {
        verb->run(count, words, &error);
        return;
    }
    for (int i = 1; i < count; i++)
        before += words[i][0] != '-';
    dist_complete_argument(NULL, verb, before);
}

void dist_complete_line(const char *line, const DistVerb *const *all, const GOptionEntry *common,
                        DistFindVerb find) {
    g_auto(GStrv) parts = g_strsplit_set(line, " \t", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    guint first = 1;

    for (char **part = parts; *part; part++)
        if ((*part)[0] || !part[1])
            g_ptr_array_add(words, *part);
    if (words->len < 2)
        return;
    word = words->pdata[words->len - 1];
    g_ptr_array_set_size(words, (int)words->len - 1);
    while (first < words->len && ((char *)words->pdata[first])[0] == '-')
        first++;
    if (first < words->len) {
        const DistVerb *verb = find(words->pdata[first]);
        int count = (int)(words->len - first);
        g_ptr_array_add(words, NULL);
        if (verb)
            complete_verb(verb, (char **)words->pdata + first, count);
    } else if (word[0] == '-') {
        dist_complete_options(common);
    } else {
        for (; *all; all++)
            dist_complete_verbs(*all);
    }
}

static bool print_script(const char *shell, GError **error) {
    static const struct {
        const char *shell, *file;
    } scripts[] = {{"bash", "dist.bash"}, {"zsh", "_dist"}, {"fish", "dist.fish"}};
    size_t i = 0, size;

    while (i < G_N_ELEMENTS(scripts) && !g_str_equal(scripts[i].shell, shell))
        i++;
    if (i == G_N_ELEMENTS(scripts))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("there is no completion for \"%s\", only for bash, zsh and fish"),
                               shell);
    g_autofree char *path = g_build_filename(BERTH_DATADIR, "completion", scripts[i].file, NULL);
    berth_autofd int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return berth_error_set_errno(error, errno, "%s", path);
    g_autofree char *text = berth_fd_read_whole(file, MAX_SCRIPT_BYTES, &size, error);
    return text && (fputs(text, stdout) >= 0 || berth_error_set_errno(error, errno, "write"));
}

int dist_verb_shell_completion(int argc, char **argv, GError **error) {
    if (!dist_parse(_("[SHELL]"),
                    _("Write the completion for a shell: source <(dist shell-completion bash)."),
                    NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 1, error))
        return EXIT_FAILURE;
    const char *own = g_getenv("SHELL");
    g_autofree char *shell = argc > 1 ? g_strdup(argv[1]) : g_path_get_basename(own ? own : "bash");
    return print_script(shell, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
