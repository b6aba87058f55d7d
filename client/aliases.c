/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of aliases, which is constant. An alias is replaced before the command line is parsed,
 * so its help, options and completion are those of its verb.
 */

#include "client/aliases.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Sorted: completion relies on equal first words being adjacent (completion.c). */
const DistAlias dist_aliases[] = {
    {"container attach", "attach"},
    {"container checkpoint", "checkpoint"},
    {"container commit", "commit"},
    {"container cp", "cp"},
    {"container create", "create"},
    {"container diff", "diff"},
    {"container exec", "exec"},
    {"container exists", "inspect --exists --type=container"},
    {"container export", "export"},
    {"container inspect", "inspect --type=container --array"},
    {"container kill", "kill"},
    {"container list", "ps"},
    {"container logs", "logs"},
    {"container ls", "ps"},
    {"container pause", "pause"},
    {"container port", "port"},
    {"container prune", "prune containers"},
    {"container ps", "ps"},
    {"container rename", "rename"},
    {"container restart", "restart"},
    {"container restore", "restore"},
    {"container rm", "rm"},
    {"container run", "run"},
    {"container start", "start"},
    {"container stats", "stats"},
    {"container stop", "stop"},
    {"container top", "top"},
    {"container unpause", "resume"},
    {"container update", "update"},
    {"container wait", "wait"},
    {"containers create", "create"},
    {"containers delete", "rm"},
    {"containers info", "inspect --type=container"},
    {"containers list", "ps"},
    {"containers ls", "ps"},
    {"containers rm", "rm"},
    {"content fetch", "fetch"},
    {"content fetch-object", "fetch-object"},
    {"history", "inspect --history"},
    {"image build", "build"},
    {"image exists", "inspect --exists --type=image"},
    {"image history", "inspect --history"},
    {"image import", "import --rootfs"},
    {"image inspect", "inspect --type=image --array"},
    {"image list", "images"},
    {"image load", "import"},
    {"image ls", "images"},
    {"image mount", "mount"},
    {"image prune", "prune"},
    {"image pull", "pull"},
    {"image push", "push"},
    {"image rm", "rmi"},
    {"image rmi", "rmi"},
    {"image save", "export"},
    {"image search", "search"},
    {"image tag", "tag"},
    {"image tree", "images --tree"},
    {"image untag", "untag"},
    {"images check", "content verify"},
    {"images export", "export"},
    {"images import", "import"},
    {"images list", "images"},
    {"images ls", "images"},
    {"images mount", "mount"},
    {"images pull", "pull"},
    {"images push", "push"},
    {"images rm", "rmi"},
    {"images tag", "tag"},
    {"images untag", "untag"},
    {"leases add", "lease add"},
    {"leases create", "lease create"},
    {"leases delete", "lease rm"},
    {"leases list", "lease list"},
    {"leases ls", "lease list"},
    {"leases rm", "lease rm"},
    {"list", "ps"},
    {"load", "import"},
    {"ls", "ps"},
    {"save", "export"},
    {"system check", "content verify"},
    {"system df", "df"},
    {"system events", "events"},
    {"system prune", "prune containers contents"},
    {"tasks attach", "attach"},
    {"tasks checkpoint", "checkpoint"},
    {"tasks delete", "rm"},
    {"tasks exec", "exec"},
    {"tasks kill", "kill"},
    {"tasks list", "ps"},
    {"tasks ls", "ps"},
    {"tasks metrics", "stats"},
    {"tasks pause", "pause"},
    {"tasks ps", "top"},
    {"tasks resume", "resume"},
    {"tasks rm", "rm"},
    {"tasks start", "start"},
    {"unpause", "resume"},
    {NULL, NULL},
};

/* How many words at the start of argv match the alias; 0 if they do not. */
static int alias_match(const DistAlias *alias, char *const *argv) {
    size_t length = strcspn(alias->words, " ");

    if (strlen(argv[0]) != length || strncmp(argv[0], alias->words, length) != 0)
        return 0;
    if (alias->words[length] == '\0')
        return 1;
    return argv[1] && g_str_equal(argv[1], alias->words + length + 1) ? 2 : 0;
}

/* Interned, so that the words live as long as dist and need not be freed. */
static const char *alias_intern_word(const char *words, size_t length) {
    g_autofree char *word = g_strndup(words, length);

    return g_intern_string(word);
}

/* Returns the words of argv with an alias at the beginning replaced. The caller frees the list, but
 * not the words. */
char **dist_alias_expand(char *const *argv) {
    GPtrArray *words = g_ptr_array_new();
    const DistAlias *alias = dist_aliases;
    int count = 0;

    while (alias->words && (!argv[0] || (count = alias_match(alias, argv)) == 0))
        alias++;
    for (const char *word = alias->words ? alias->stands : ""; *word;) {
        size_t length = strcspn(word, " ");
        g_ptr_array_add(words, (char *)alias_intern_word(word, length));
        word += length + (word[length] == ' ');
    }
    for (argv += count; *argv; argv++)
        g_ptr_array_add(words, *argv);
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

bool dist_alias_is_group(const char *word) {
    size_t length = strlen(word);

    for (const DistAlias *alias = dist_aliases; alias->words; alias++)
        if (strncmp(alias->words, word, length) == 0 && alias->words[length] == ' ')
            return true;
    return false;
}

/* group is the first word, whose second words are offered; NULL for aliases of one word. */
void dist_alias_offer(BerthNearest *nearest, const char *group) {
    size_t length = group ? strlen(group) : 0;

    for (const DistAlias *alias = dist_aliases; alias->words; alias++) {
        const char *blank = strchr(alias->words, ' ');
        if (!group && !blank)
            berth_nearest_offer(nearest, alias->words);
        else if (group && blank && (size_t)(blank - alias->words) == length &&
                 strncmp(alias->words, group, length) == 0)
            berth_nearest_offer(nearest, blank + 1);
    }
}
