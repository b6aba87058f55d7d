/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A secret as passed in a call. */

#pragma once

/* The name is owned; the descriptor, in its envelope, belongs to the call. */
typedef struct {
    char *name;
    int fd;
} BerthSecretRequest;
