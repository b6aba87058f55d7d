/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist shell-completion: prints the completion script of a shell, which was installed with dist.
 * The script asks completion.c what may follow on a line.
 */

#include "client/verbs.h"

#include "base/fd.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_SCRIPT_BYTES = 65536 };

static bool shell_print_script(const char *shell, GError **error) {
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

static int shell_run_completion(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    const char *own = g_getenv("SHELL");
    g_autofree char *shell = argc > 1 ? g_strdup(argv[1]) : g_path_get_basename(own ? own : "bash");

    return shell_print_script(shell, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

const DistVerb dist_shell_verbs[] = {
    {.name = "shell-completion",
     .arguments = N_("[SHELL]"),
     .summary = N_("Print the completion script for bash, zsh or fish"),
     .run = shell_run_completion,
     .flags = DIST_VERB_HERE,
     .max = 1,
     .example = "source <(dist shell-completion bash)"},
    {.name = NULL},
};
