/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a caller's own runtime configuration asks for, as privileges.h has the names. */

#pragma once

#include "containers/spec/options.h"
#include "plan/plan.h"

/* The names of the whole configuration, and those of its process alone, which an exec may have of
 * its own. names: of char *, each once. */
void berth_spec_add_privileges(GPtrArray *names, const BerthPlan *plan,
                               const BerthCreateOptions *options);
/* Whether nothing in it is weaker than what Create makes of options, once it has the default filter
 * and hidden paths: it has no names then. It has a user namespace of its own, with ids that berthd
 * chooses. */
bool berth_spec_is_plain(const BerthPlan *plan, const BerthCreateOptions *options);
void berth_spec_add_process_privileges(GPtrArray *names, const BerthPlan *plan);
/* Those of kernel parameters: name, value, …. joins: the container is in namespaces of others, to
 * which a parameter matters. */
void berth_spec_add_sysctl_privileges(GPtrArray *names, char *const *sysctls, bool joins);
