/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The privileges that a caller's own runtime configuration requests, with the names listed in
 * privileges.h.
 */

#pragma once

#include "containers/spec/options.h"
#include "plan/plan.h"

/* These add the names for a complete configuration, and for just its process, which an exec may
 * bring along. names contains char *, without duplicates. */
void berth_spec_add_privileges(GPtrArray *names, const BerthPlan *plan,
                               const BerthCreateOptions *options);
/* Refuses paths that polkit rules cannot compare. binds are the requests of the option Binds, or
 * NULL. */
bool berth_spec_check_paths(const BerthPlan *plan, const GPtrArray *binds, GError **error);
/* Returns true if, once the default filter and hidden paths are added, nothing in the configuration
 * is weaker than what Create makes from options. It then has no names. It has its own user
 * namespace, with ids that berthd chooses. */
bool berth_spec_is_plain(const BerthPlan *plan, const BerthCreateOptions *options);
void berth_spec_add_process_privileges(GPtrArray *names, const BerthPlan *plan);
/* Adds the names for kernel parameters (name, value…). joins is true if the container joins
 * namespaces of others, which a parameter would affect. */
void berth_spec_add_sysctl_privileges(GPtrArray *names, char *const *sysctls, bool joins);
