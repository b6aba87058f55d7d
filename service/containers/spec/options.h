/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What Create and Exec take. */

#pragma once

#include "images/images.h"

/* What Create takes; vectors and strings may be NULL for the image's own. */
typedef struct {
    const char *id; /* "" for one that is made up */
    const char *image;
    uint32_t owner;
    char **command;
    char **environment; /* added to the image's */
    const char *working_directory, *user, *hostname, *network, *seccomp, *slice, *stop_signal;
    const char *user_namespace; /* "auto" or "host" */
    const char *restart;        /* "no", "on-failure", "always" */
    const char *spec;           /* a whole OCI runtime configuration; image may then be "" */
    int root_directory;         /* of the caller's, instead of an image; -1 */
    char **capabilities_add, **capabilities_drop;
    char **labels;
    GPtrArray *mounts; /* of BerthMountRequest; NULL for none */
    char **ports;      /* "[IP:]HOST:CONTAINER[/PROTOCOL]" */
    char **devices;    /* "/dev/NODE[:PATH[:rwm]]", or names of CDI */
    int read_only, auto_remove, terminal, autostart;
    const char *creator; /* on the bus: without him it goes before it is started; NULL: it stays */
    char **health_command; /* as Docker's Test: "CMD", …, "CMD-SHELL", TEXT or "NONE" */
    uint64_t health_interval_usec, health_timeout_usec, health_start_usec, health_retries;
    bool has_stop_timeout;
    uint64_t stop_timeout_usec; /* 0: it is killed at once */
    GVariant *properties;       /* a{sv}: limits, as systemd's properties; NULL for none */
} BerthContainerOptions;

/* What Exec takes; NULL for what the container's own process has. */
typedef struct {
    const char *process; /* its id */
    const char *spec;    /* a whole process of the runtime specification to begin with; or NULL */
    char **command;      /* may be empty with that */
    char **environment;  /* added */
    const char *working_directory, *user;
    int terminal;
    uint32_t rows, columns;
    char **capabilities_add;
    int no_new_privileges; /* also where the container's own process may gain some */
    bool quiet;            /* the service's own check: nobody is told of it */
    bool by_root;          /* the limits of the owner of the container do not hold */
} BerthExecOptions;
