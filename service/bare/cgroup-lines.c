/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses /proc/PID/cgroup, for launchers as well as for the service. There is no state: the caller
 * owns the text, and lines point into it.
 */

#include "bare/cgroup-lines.h"

#include <stddef.h>
#include <string.h>

bool berth_cgroup_next_line(char **text, BerthCgroupLine *line) {
    while (**text != '\0') {
        char *start = *text;
        size_t length = strcspn(start, "\n");
        *text += length + (start[length] == '\n' ? 1 : 0);
        start[length] = '\0';
        char *controllers = strchr(start, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path || path[1] != '/')
            continue;
        *path = '\0';
        *line = (BerthCgroupLine){controllers + 1, path + 1};
        return true;
    }
    return false;
}

const char *berth_cgroup_find_unified(char *text) {
    BerthCgroupLine line;

    while (berth_cgroup_next_line(&text, &line))
        if (line.controllers[0] == '\0')
            return line.path;
    return NULL;
}

const char *berth_cgroup_get_mount(const BerthCgroupLine *line) {
    static const char name[] = "name=";

    if (line->controllers[0] == '\0')
        return NULL;
    return strncmp(line->controllers, name, strlen(name)) == 0 ? line->controllers + strlen(name)
                                                               : line->controllers;
}
