/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One table decides for Create's options, which are words, and for a caller's own configuration,
 * which is judged by what plan/ made of it. There is no state here. The one thing to know: what is
 * not in the table needs a rule. Mounts below an owned one belong to others, as do ids that are not
 * mapped, and the host's mount may be meant to prevent access times from changing or programs from
 * being executed.
 */

#include "containers/spec/owned-mounts.h"

/* They only restrict, or are the default. "rw" cannot make a mount writable that is read-only on
 * the host (launch/bind-tree.c). */
static const char *const restricting_options[] = {
    "bind",   "defaults", "ro",      "rro",         "rw",      "nosuid",   "rnosuid", "nodev",
    "rnodev", "noexec",   "rnoexec", "nosymfollow", "private", "rprivate", NULL,
};

bool berth_owned_mount_allows_options(char *const *options) {
    for (; options && *options; options++)
        if (!g_strv_contains(restricting_options, *options))
            return false;
    return true;
}

/* The flags are compared without regard to "r", since the mounts below are left out. */
static bool allows_flags(const BerthPlanMount *mount) {
    uint64_t set = 0, clear = 0;
    bool propagates = mount->propagation != 0;

    for (const char *const *option = restricting_options; *option; option++) {
        BerthPlanMount allowed = {0};
        (void)berth_plan_mount_option(&allowed, *option);
        set |= allowed.set | allowed.set_below;
        clear |= allowed.clear | allowed.clear_below;
        propagates = propagates && mount->propagation != allowed.propagation;
    }
    return ((mount->set | mount->set_below) & ~set) == 0 &&
           ((mount->clear | mount->clear_below) & ~clear) == 0 && !propagates;
}

bool berth_owned_mount_allows(const BerthPlanMount *mount) {
    return allows_flags(mount) && mount->kind == BERTH_MOUNT_BIND && !mount->recursive &&
           !mount->copies_up && !mount->has_inode && mount->idmap == BERTH_IDMAP_NONE &&
           mount->source_owner == BERTH_SOURCE_OF_ANYBODY && mount->mapped_uid == 0 &&
           mount->mapped_gid == 0 && mount->data->len == 0;
}
