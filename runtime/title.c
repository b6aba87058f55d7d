/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets the process title by overwriting the arguments in place: the kernel reads /proc/PID/cmdline
 * from there, and a longer text would require a privilege (prctl(2), PR_SET_MM). The area belongs
 * to the kernel's initial stack and is found once, by runtime_title_init().
 */

#include "title.h"

#include <stddef.h>
#include <string.h>

static struct {
    char *start;
    size_t size; /* including the last NUL */
} arguments;

/* The kernel lays the arguments out consecutively, so they form one area from the first to the
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
    /* If the last byte is not NUL, the kernel takes the text to end at the first NUL. */
    arguments.start[arguments.size - 1] = '.';
}
