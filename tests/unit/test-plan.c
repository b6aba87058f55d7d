/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OCI runtime configurations, read into plans. */

#include "plan/plan.h"

#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#define START "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"a\"],\"cwd\":\"/\""
#define NAMESPACES "\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"ipc\"},{\"type\":\"network\"}]"
#define END ",\"linux\":{" NAMESPACES "}}"

static BerthPlan *read_plan(const char *text, GError **error) {
    return berth_plan_parse(text, strlen(text), error);
}

static void test_a_configuration(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = read_plan(
        "{\"process\":{\"user\":{\"username\":\"u:g\"},\"args\":[\"a\",\"b\"],\"env\":[\"X=y\"],"
        "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":2}],"
        "\"cwd\":\"/w\",\"noNewPrivileges\":true,\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"]}},"
        "\"root\":{\"readonly\":true},\"hostname\":\"h\","
        "\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"uts\"},"
        "{\"type\":\"network\",\"path\":\"/run/n\"}]},"
        "\"annotations\":{\"org.berth1.layers\":\"top:bottom\",\"org.berth1.seccomp\":\"default\"}"
        "}",
        &error);

    g_assert_no_error(error);
    g_assert_cmpstr(plan->user, ==, "u:g");
    g_assert_cmpstr(plan->arguments[1], ==, "b");
    g_assert_cmpuint(plan->bounding, ==, 1);
    const BerthPlanLimit *limit = &g_array_index(plan->limits, BerthPlanLimit, 0);
    g_assert_cmpint(limit->resource, ==, RLIMIT_CORE);
    g_assert_cmpuint(limit->hard, ==, 2);
    g_assert_true(plan->no_new_privileges && plan->read_only);
    g_assert_null(berth_plan_find_namespace(plan, CLONE_NEWNS)->path);
    g_assert_cmpstr(berth_plan_find_namespace(plan, CLONE_NEWNET)->path, ==, "/run/n");
    g_assert_null(berth_plan_find_namespace(plan, CLONE_NEWIPC));
    g_assert_cmpstr(plan->layers[1], ==, "bottom");
    g_assert_cmpstr(plan->seccomp, ==, "default");
}

/* config.md, capabilities: a warning instead of an error. */
static void test_unknown_capabilities_are_left_out(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = read_plan(
        START ",\"capabilities\":{\"bounding\":[\"x\",\"CAP_CHOWN\"],\"effective\":[\"x\"]}}" END,
        &error);

    g_assert_no_error(error);
    g_assert_cmpuint(plan->bounding, ==, 1);
    g_assert_cmpuint(plan->effective, ==, 0);
    g_assert_cmpuint(plan->unknown_capabilities->len, ==, 1);
    g_assert_cmpstr(plan->unknown_capabilities->pdata[0], ==, "x");
}

static double read_unknown_capabilities(unsigned count) {
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < count; i++)
        g_string_append_printf(names, "\"x%x\",", i);
    g_autofree char *text = g_strdup_printf(
        START ",\"capabilities\":{\"bounding\":[%s\"CAP_CHOWN\"]}}" END, names->str);
    clock_t started = clock();
    g_autoptr(BerthPlan) plan = read_plan(text, &error);
    double used = (double)(clock() - started);

    g_assert_no_error(error);
    g_assert_cmpuint(plan->bounding, ==, 1);
    g_assert_cmpuint(plan->unknown_capabilities->len, ==, 16);
    return used;
}

/* Their number is limited only by the size of a configuration. Eight times as many take 8 times as
 * long, or 64 times if each is compared with all others. */
static void test_few_unknown_capabilities_are_noted(void) {
    double few = read_unknown_capabilities(6250);

    g_assert_cmpfloat(read_unknown_capabilities(50000), <, 24 * few);
}

static void test_mount_options(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = read_plan(
        START "},\"mounts\":[{\"destination\":\"/a\",\"source\":\"/b\",\"options\":[\"rbind\","
              "\"rro\",\"nosuid\",\"noatime\",\"rslave\"]},"
              "{\"destination\":\"/t\",\"type\":\"tmpfs\",\"options\":[\"ro\",\"rw\",\"size=1m\","
              "\"relatime\"]}]" END,
        &error);

    g_assert_no_error(error);
    const BerthPlanMount *bind = plan->mounts->pdata[0], *tmpfs = plan->mounts->pdata[1];
    g_assert_true(bind->kind == BERTH_MOUNT_BIND && bind->recursive);
    g_assert_cmpuint(bind->set_below, ==, MOUNT_ATTR_RDONLY);
    g_assert_cmpuint(bind->set, ==, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME);
    g_assert_cmpuint(bind->clear, ==, MOUNT_ATTR__ATIME);
    g_assert_cmpuint(bind->propagation, ==, MS_SLAVE | MS_REC);
    g_assert_cmpint(tmpfs->kind, ==, BERTH_MOUNT_FILE_SYSTEM);
    g_assert_cmpuint(tmpfs->set, ==, 0);
    g_assert_cmpuint(tmpfs->data->len, ==, 1);
    g_assert_cmpstr(tmpfs->data->pdata[0], ==, "size=1m");
}

static const BerthPlanProperty *find_property(const BerthPlan *plan, const char *name) {
    for (guint i = 0; i < plan->properties->len; i++) {
        const BerthPlanProperty *property = &g_array_index(plan->properties, BerthPlanProperty, i);
        if (g_str_equal(property->name, name))
            return property;
    }
    return NULL;
}

static void test_resources_are_properties_of_systemd(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = read_plan(
        START "},\"linux\":{" NAMESPACES
              ",\"resources\":{\"memory\":{\"limit\":1000,\"swap\":1500},"
              "\"cpu\":{\"quota\":50000,\"period\":100000,\"cpus\":\"0-1,9\"},"
              "\"pids\":{\"limit\":-1},"
              "\"devices\":[{\"allow\":false,\"access\":\"rwm\"},"
              "{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rw\"}]}}}",
        &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_variant_get_uint64(find_property(plan, "MemoryMax")->value), ==, 1000);
    g_assert_cmpuint(g_variant_get_uint64(find_property(plan, "MemorySwapMax")->value), ==, 500);
    g_assert_cmpuint(g_variant_get_uint64(find_property(plan, "CPUQuotaPerSecUSec")->value), ==,
                     500000);
    g_assert_cmpuint(g_variant_get_uint64(find_property(plan, "TasksMax")->value), ==, UINT64_MAX);
    g_assert_cmpuint(g_variant_n_children(find_property(plan, "AllowedCPUs")->value), ==, 2);
    g_assert_true(plan->device_deny);
    g_assert_cmpstr(plan->device_rules->pdata[0], ==, "/dev/char/10:229 rw");
}

/* Resources become properties of the scope where systemd has one; others are written to files of
 * the cgroup. */
static void test_files_of_the_cgroup(void) {
    static const char *const expected[] = {"cpu.max.burst",    "2000",
                                           "hugetlb.2MB.max",  "4096",
                                           "rdma.max",         "mlx hca_handle=1 hca_object=2",
                                           "memory.oom.group", "1"};
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan =
        read_plan(START "},\"linux\":{" NAMESPACES ",\"resources\":{\"cpu\":{\"burst\":2000},"
                        "\"blockIO\":{\"weight\":500},"
                        "\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4096}],"
                        "\"rdma\":{\"mlx\":{\"hcaHandles\":1,\"hcaObjects\":2}},"
                        "\"unified\":{\"memory.oom.group\":\"1\",\"cpu.max\":\"20000 "
                        "40000\",\"memory.high\":\"max\","
                        "\"cpuset.cpus\":\"0,9\"}}}}",
                  &error);

    g_assert_no_error(error);
    g_assert_cmpuint(plan->cgroup_files->len, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < plan->cgroup_files->len; i++)
        g_assert_cmpstr(plan->cgroup_files->pdata[i], ==, expected[i]);
    g_assert_cmpuint(g_variant_get_uint64(find_property(plan, "IOWeight")->value), ==, 4950);
    g_assert_cmpuint(g_variant_get_uint64(find_property(plan, "MemoryHigh")->value), ==,
                     UINT64_MAX);
    g_assert_cmpuint(g_variant_get_uint64(find_property(plan, "CPUQuotaPerSecUSec")->value), ==,
                     500000);
    g_assert_cmpuint(g_variant_get_uint64(find_property(plan, "CPUQuotaPeriodUSec")->value), ==,
                     40000);
    g_assert_cmpuint(g_variant_n_children(find_property(plan, "AllowedCPUs")->value), ==, 2);
}

/* As for the pointers of Go, in which engines are written. 0 would mean something else in each of
 * these. */
static void test_a_number_that_is_null_counts_as_missing(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan =
        read_plan(START ",\"oomScoreAdj\":null,\"user\":{\"umask\":null}},"
                        "\"hooks\":{\"prestart\":[{\"path\":\"/a\",\"timeout\":null}]},"
                        "\"linux\":{" NAMESPACES
                        ",\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,\"minor\":3,"
                        "\"fileMode\":null}],"
                        "\"resources\":{\"rdma\":{\"mlx\":{\"hcaHandles\":1,\"hcaObjects\":null}},"
                        "\"devices\":[{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":null,"
                        "\"access\":\"rw\"}]}}}",
                  &error);
    g_autoptr(BerthPlan) missing =
        read_plan(START "},\"linux\":{" NAMESPACES ",\"resources\":{\"devices\":[{\"allow\":true,"
                        "\"type\":\"c\",\"major\":10,\"access\":\"rw\"}]}}}",
                  NULL);

    g_assert_no_error(error);
    g_assert_false(plan->has_oom_score);
    g_assert_cmpint(plan->umask, ==, missing->umask);
    g_assert_cmpint(((const BerthPlanDevice *)plan->devices->pdata[0])->mode, ==, 0666);
    g_assert_cmpstr(plan->cgroup_files->pdata[1], ==, "mlx hca_handle=1");
    g_assert_cmpstr(plan->device_rules->pdata[0], ==, missing->device_rules->pdata[0]);
}

/* -1, and what writers make of UINT64_MAX that calculate with doubles, are no limit as well. */
static void test_the_largest_limit_is_none(void) {
    static const char *const infinite[] = {"-1", "18446744073709551615", "18446744073709552000",
                                           "1.8446744073709552e+19"};

    for (size_t i = 0; i < G_N_ELEMENTS(infinite); i++) {
        g_autofree char *text = g_strdup_printf(
            START ",\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":%s}]}" END,
            infinite[i]);
        g_autoptr(BerthPlan) plan = read_plan(text, NULL);
        g_assert_nonnull(plan);
        g_assert_cmpuint(g_array_index(plan->limits, BerthPlanLimit, 0).hard, ==, RLIM_INFINITY);
    }
}

static void test_a_limit_with_a_fraction_or_an_exponent_is_refused(void) {
    static const char *const bad[] = {"1024.0", "0.5", "1e3", "-1.0", "-1e30"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf(
            START ",\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":%s}]}" END, bad[i]);
        g_autoptr(BerthPlan) plan = read_plan(text, &error);
        g_assert_null(plan);
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

/* Each one is refused with a reason. */
static void test_damaged_configurations_are_errors(void) {
    static const struct {
        const char *text, *word;
    } bad[] = {
        {"", "JSON"},
        {"{}", "process"},
        {"{\"process\":{}}", "linux"},
        {"{\"process\":{\"args\":[]},\"linux\":{}}", "args"},
        {"{\"process\":{\"args\":[\"a\"],\"cwd\":\"x\"},\"linux\":{}}", "absolute"},
        {START "},\"linux\":{\"namespaces\":[{\"type\":\"x\"}]}}", "namespace"},
        {START "},\"linux\":{}}", "mount namespace"},
        {START "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"mount\"}]}}",
         "twice"},
        {START "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}],"
               "\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]}}",
         "uidMappings"},
        {START ",\"rlimits\":[{\"type\":\"x\"}]}" END, "limit"},
        {START ",\"selinuxLabel\":\"p\"}" END, "selinuxLabel"},
        {START ",\"oomScoreAdj\":2000}" END, "oomScoreAdj"},
        {START ",\"ioPriority\":{\"class\":\"x\"}}" END, "ioPriority"},
        {START ",\"scheduler\":{\"policy\":\"x\"}}" END, "policy"},
        {START ",\"user\":{\"uid\":\"root\"}}" END, "uid"},
        {START "},\"mounts\":[1]" END, "mounts"},
        {START "},\"mounts\":[{\"destination\":\"/a\"}]" END, "type"},
        {START "},\"mounts\":[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"b\"}]" END,
         "absolute"},
        {START
         "},\"mounts\":[{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"remount\"]}]" END,
         "remount"},
        {START "},\"mounts\":[{\"destination\":\"/proc/sys\",\"type\":\"tmpfs\"}]" END, "/proc"},
        {START "},\"mounts\":[{\"destination\":\"//proc/.\",\"type\":\"artifact\","
               "\"options\":[\"x-berth.layer=a\",\"x-berth.name=kcore\"]}]" END,
         "must not be covered"},
        {START "},\"windows\":{}" END, "windows"},
        {START "},\"hooks\":{\"prestart\":[{\"path\":\"x\"}]}" END, "hooks.prestart"},
        {START "},\"linux\":{" NAMESPACES ",\"sysctl\":{\"vm.swappiness\":\"1\"}}}",
         "whole machine"},
        {START "},\"linux\":{" NAMESPACES ",\"sysctl\":{\"kernel.domainname\":\"x\"}}}",
         "namespace"},
        {START "},\"linux\":{" NAMESPACES ",\"sysctl\":{\"kernel/hostname\":\"x\"}}}",
         "\"hostname\""},
        {START "},\"linux\":{" NAMESPACES ",\"intelRdt\":{}}}", "intelRdt"},
        {START "},\"linux\":{" NAMESPACES ",\"cgroupsPath\":\"/a\"}}", "cgroupsPath"},
        {START "},\"linux\":{" NAMESPACES ",\"rootfsPropagation\":\"x\"}}", "rootfsPropagation"},
        {START "},\"linux\":{" NAMESPACES ",\"devices\":[{\"path\":\"/dev/x\",\"type\":\"x\"}]}}",
         "/dev/x"},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"network\":{}}}}", "network"},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"memory\":{\"swappiness\":1}}}}",
         "swappiness"},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"memory\":{\"swap\":5}}}}",
         "\"swap\" needs a \"limit\""},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"memory\":{\"limit\":-1,\"swap\":5}}}}",
         "\"swap\" needs a \"limit\""},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"memory\":{\"limit\":6,\"swap\":5}}}}",
         "\"swap\" is less than \"limit\""},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"unified\":{\"x\":\"1\"}}}}",
         "CONTROLLER.VALUE"},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"unified\":{\"../x.max\":\"1\"}}}}",
         "CONTROLLER.VALUE"},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"unified\":{\"cgroup.kill\":\"1\"}}}}",
         "cgroup.kill"},
        {START "},\"linux\":{" NAMESPACES ",\"resources\":{\"unified\":{\"cpu.max\":\"5 7\"}}}}",
         "cpu.max"},
        {START "},\"linux\":{" NAMESPACES
               ",\"resources\":{\"unified\":{\"memory.max\":\"default 5\"}}}}",
         "memory.max"},
        {START "},\"linux\":{" NAMESPACES
               ",\"resources\":{\"hugepageLimits\":[{\"pageSize\":\"2/MB\"}]}}}",
         "2/MB"},
        {START "},\"ociVersion\":\"2.0\"" END, "2.0"},
        {START "},\"hostname\":\"h\"" END, "hostname"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(read_plan(bad[i].text, &error));
        g_assert_nonnull(error);
        if (i > 0 && !strstr(error->message, bad[i].word))
            g_error("%s: \"%s\" does not say \"%s\"", bad[i].text, error->message, bad[i].word);
    }
}

static void test_unknown_members_are_ignored(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = read_plan(START ",\"x\":1},\"y\":{}" END, &error);

    g_assert_no_error(error);
    g_assert_nonnull(plan);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/a-configuration", test_a_configuration);
    g_test_add_func("/plan/files-of-the-cgroup", test_files_of_the_cgroup);
    g_test_add_func("/plan/unknown-capabilities-are-left-out",
                    test_unknown_capabilities_are_left_out);
    g_test_add_func("/plan/few-unknown-capabilities-are-noted",
                    test_few_unknown_capabilities_are_noted);
    g_test_add_func("/plan/mount-options", test_mount_options);
    g_test_add_func("/plan/resources-are-properties-of-systemd",
                    test_resources_are_properties_of_systemd);
    g_test_add_func("/plan/a-number-that-is-null-counts-as-missing",
                    test_a_number_that_is_null_counts_as_missing);
    g_test_add_func("/plan/the-largest-limit-is-none", test_the_largest_limit_is_none);
    g_test_add_func("/plan/a-limit-with-a-fraction-or-an-exponent-is-refused",
                    test_a_limit_with_a_fraction_or_an_exponent_is_refused);
    g_test_add_func("/plan/damaged-configurations-are-errors",
                    test_damaged_configurations_are_errors);
    g_test_add_func("/plan/unknown-members-are-ignored", test_unknown_members_are_ignored);
    return g_test_run();
}
