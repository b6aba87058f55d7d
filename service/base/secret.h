/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A secret as a call brings it. */

#pragma once

/* The name is owned; the descriptor, in its envelope, is the call's. */
typedef struct {
    char *name;
    int fd;
} BerthSecretRequest;
