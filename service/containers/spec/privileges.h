/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What weakens a container's isolation, by names that a rule of polkit can compare: host-network,
 * host-users, bind:PATH, device:PATH, capability:NAME, port:N, seccomp, slice:NAME,
 * root-directory:PATH, property:NAME (of Update), spec. Options and a Spec that ask for the same
 * yield the same names, a Spec "spec" besides, and what only a Spec can ask for
 * (spec-privileges.c).
 */

#pragma once

#include "containers/spec/options.h"

/* Sorted, each once, with blanks between; NULL for none. Caller frees. */
char *berth_privileges_of_container(const BerthCreateOptions *options);
char *berth_privileges_of_exec(const BerthExecOptions *options);
/* changed: a{sv} as berth_container_update takes it. */
char *berth_privileges_of_update(GVariant *changed);
