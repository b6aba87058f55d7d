/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The secrets of a container as one memfd: for each secret a header and its bytes, up to the end of
 * the file. berth-ingest writes it from the caller's descriptors, berthd keeps it sealed and never
 * reads it, and berth-launch creates the files and sets the variables that it contains.
 */

#pragma once

#include <stdint.h>
#include <string.h>

/* Where they are in a container, each in a file named after it. */
#define BERTH_SECRETS_DIRECTORY "/run/secrets"

/* A name that begins with this is that of an environment variable: no file has a colon in its name,
 * since the colon separates the fields of LoadCredential= (systemd.exec(5)). */
#define BERTH_SECRET_VARIABLE ':'

/* A name that begins with this has an owner and a mode before it: "/UID:GID:MODE/NAME", each "-" if
 * it is the default, the mode octal. No file has it in its name. */
#define BERTH_SECRET_OWNED '/'

/* The name behind an owner and a mode, if it has them. A variable keeps its mark. */
static inline const char *berth_secret_skip_owner(const char *name) {
    const char *slash = name[0] == BERTH_SECRET_OWNED ? strchr(name + 1, '/') : NULL;

    return slash ? slash + 1 : name;
}

enum {
    BERTH_SECRET_NAME_BYTES = 256,
    /* execve(2): MAX_ARG_STRLEN, including NAME= and the terminating NUL. */
    BERTH_SECRET_VARIABLE_BYTES = 128 * 1024,
};

typedef struct {
    char name[BERTH_SECRET_NAME_BYTES]; /* NUL-terminated */
    uint64_t size;
} BerthSecretHeader;
