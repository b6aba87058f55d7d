/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/fd.h"
#include "launch/plan.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

static BerthPlan *read_plan(const char *text, GError **error) {
    berth_autofd int fd = memfd_create("config.json", 0);

    g_assert_true(berth_fd_write_all(fd, text, strlen(text)));
    return berth_plan_read(fd, error);
}

static void test_a_configuration(void) {
    g_autoptr(GError) error = NULL;
    BerthPlan *plan = read_plan(
        "{\"process\":{\"user\":{\"username\":\"u:g\"},\"args\":[\"a\",\"b\"],\"env\":[\"X=y\"],"
        "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":2}],"
        "\"cwd\":\"/w\",\"noNewPrivileges\":true,\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"]}},"
        "\"root\":{\"readonly\":true},\"hostname\":\"h\","
        "\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"network\"}]"
        "},"
        "\"annotations\":{\"org.berth1.layers\":\"top:bottom\"}}",
        &error);

    g_assert_no_error(error);
    g_assert_cmpstr(plan->user, ==, "u:g");
    g_assert_cmpstr(plan->arguments[1], ==, "b");
    g_assert_cmpuint(plan->bounding, ==, 1);
    const BerthPlanLimit *limit = &g_array_index(plan->limits, BerthPlanLimit, 0);
    g_assert_cmpint(limit->resource, ==, RLIMIT_CORE);
    g_assert_cmpuint(limit->hard, ==, 2);
    g_assert_true(plan->no_new_privileges && plan->read_only);
    g_assert_cmpint(plan->namespaces, ==, CLONE_NEWNS | CLONE_NEWNET);
    g_assert_cmpstr(plan->layers[1], ==, "bottom");
    g_assert_cmpstr(plan->seccomp, ==, "default");
}

static void test_damaged_configurations_are_errors(void) {
    static const char *const bad[] = {
        "",
        "{}",
        "{\"process\":{}}",
        "{\"process\":{\"args\":[]},\"linux\":{}}",
        "{\"process\":{\"args\":[\"a\"]},\"linux\":{\"namespaces\":[{\"type\":\"x\"}]}}",
        "{\"process\":{\"args\":[\"a\"]},\"linux\":{}}",
        "{\"process\":{\"args\":[\"a\"],\"capabilities\":{\"bounding\":[\"x\"]}},\"linux\":{}}",
        "{\"process\":{\"args\":[\"a\"],\"rlimits\":[{\"type\":\"x\"}]},\"linux\":{}}",
        "{\"process\":{\"args\":[\"a\"]},\"mounts\":[1],\"linux\":{}}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(read_plan(bad[i], &error));
        g_assert_nonnull(error);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/a-configuration", test_a_configuration);
    g_test_add_func("/plan/damaged-configurations-are-errors",
                    test_damaged_configurations_are_errors);
    return g_test_run();
}
