/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names for everything that weakens a container's isolation, for polkit rules: host-network,
 * host-users, bind:PATH, device:PATH, capability:NAME, port:N, seccomp, slice:NAME,
 * root-directory:PATH, property:NAME (of Update), spec. Options and a Spec that request the same
 * thing produce the same names; a Spec additionally produces "spec", and names for things that only
 * a Spec can request (spec-privileges.c).
 */

#pragma once

#include "containers/spec/options.h"

/* The names, sorted, without duplicates and separated by blanks; NULL if there are none. The caller
 * frees the string. */
char *berth_privileges_of_container(const BerthCreateOptions *options);
char *berth_privileges_of_exec(const BerthExecOptions *options);
/* changed is an a{sv}, as passed to berth_container_update(). */
char *berth_privileges_of_update(GVariant *changed);
