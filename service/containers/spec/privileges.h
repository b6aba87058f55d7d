/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The names of what weakens a container's isolation, for rules of polkit: host-network,
 * host-users, bind:PATH, device:PATH, capability:NAME, port:N, seccomp, slice:NAME,
 * root-directory:PATH, property:NAME (of Update), spec. Options and a Spec that request the same
 * have the same names; a Spec has "spec" as well, and names of what only a Spec can request
 * (spec-privileges.c).
 */

#pragma once

#include "containers/spec/options.h"

/* Sorted, each once, separated by blanks; NULL for none. Caller frees. */
char *berth_privileges_of_container(const BerthCreateOptions *options);
char *berth_privileges_of_exec(const BerthExecOptions *options);
/* changed: a{sv} as berth_container_update takes it. */
char *berth_privileges_of_update(GVariant *changed);
