/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Overwrites the arguments in place: the kernel reads /proc/PID/cmdline from there, and a longer
 * text would take a privilege (prctl(2), PR_SET_MM). */

#include "title.h"

#include <stddef.h>
#include <string.h>

static struct {
    char *start;
    size_t size; /* with the last NUL */
} arguments;

/* The kernel lays out the arguments one after another, so they are one area from the first to the
 * last. */
void runtime_title_init(int argc, char **argv) {
    if (argc > 0) {
        arguments.start = argv[0];
        arguments.size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
    }
}

void runtime_title_set(const char *title) {
    if (arguments.size < 2)
        return;
    memset(arguments.start, 0, arguments.size);
    memcpy(arguments.start, title, strnlen(title, arguments.size - 2));
    /* A last byte other than NUL tells the kernel that the text ends at the first NUL. */
    arguments.start[arguments.size - 1] = '.';
}
