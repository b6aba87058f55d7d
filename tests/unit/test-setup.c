/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiles configurations to the set-up that a launcher maps. */

#include "bare/setup.h"

#include "base/fd.h"
#include "plan/compile.h"

#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#define CONFIGURATION                                                                              \
    "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"sh\",\"-c\",\"true\"],\"cwd\":\"/w\","     \
    "\"env\":[\"A=1\",\"HOME=\",\"B=2\",\"A=3\"],\"user\":{\"uid\":5,\"gid\":6,"                   \
    "\"additionalGids\":[7,8]},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":20}]" \
    "},"                                                                                           \
    "\"hostname\":\"h\",\"annotations\":{\"org.berth1.layers\":\"b:a\",\"k\":\"v\"},"              \
    "\"mounts\":[{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","               \
    "\"options\":[\"nosuid\",\"mode=755\",\"size=64k\",\"inode64\"]},"                             \
    "{\"destination\":\"/m\",\"source\":\"/s\",\"options\":[\"rbind\",\"ro\"],"                    \
    "\"uidMappings\":[{\"containerID\":1,\"hostID\":2,\"size\":3}],"                               \
    "\"gidMappings\":[{\"containerID\":4,\"hostID\":5,\"size\":6}]}],"                             \
    "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"uts\"},"                          \
    "{\"type\":\"network\",\"path\":\"/run/n\"},{\"type\":\"ipc\"}],"                              \
    "\"sysctl\":{\"kernel.msgmax\":\"1\"},\"maskedPaths\":[\"/proc/kcore\"]},"                     \
    "\"hooks\":{\"poststop\":[{\"path\":\"/bin/a\",\"args\":[\"a\",\"b\"]},{\"path\":\"/bin/"      \
    "c\"}]}}"

static const struct sock_filter instruction = {.code = BPF_RET, .k = 42};
static const BerthFilterProgram filter = {.instructions = &instruction, .count = 1, .flags = 2};

static GByteArray *make_image(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = berth_plan_parse(CONFIGURATION, strlen(CONFIGURATION), &error);

    g_assert_no_error(error);
    GByteArray *image = berth_plan_flatten(plan, "c1", &filter, &error);
    g_assert_no_error(error);
    return image;
}

static void check_process(const BerthSetup *setup) {
    g_assert_cmpstr(setup->id, ==, "c1");
    g_assert_cmpuint(setup->arguments.count, ==, 3);
    g_assert_cmpstr(setup->arguments.texts[2], ==, "true");
    g_assert_null(setup->arguments.texts[3]);
    /* Each variable once, with its last value, and no empty HOME. */
    g_assert_cmpuint(setup->environment.count, ==, 2);
    g_assert_cmpstr(setup->environment.texts[0], ==, "B=2");
    g_assert_cmpstr(setup->environment.texts[1], ==, "A=3");
    g_assert_null(setup->environment.texts[2]);
    g_assert_null(setup->user);
    g_assert_cmpuint(setup->uid, ==, 5);
    g_assert_cmpuint(setup->group_count, ==, 2);
    g_assert_cmpuint(setup->groups[1], ==, 8);
    g_assert_cmpstr(setup->limits[0].name, ==, "RLIMIT_NOFILE");
    g_assert_cmpuint(setup->limits[0].hard, ==, 20);
    g_assert_cmpuint(setup->filter.count, ==, 1);
    g_assert_cmpuint(setup->filter.instructions[0].k, ==, 42);
    g_assert_cmpuint(setup->filter.flags, ==, 2);
}

static void check_mounts(const BerthSetup *setup) {
    g_assert_cmpuint(setup->mount_count, ==, 2);
    const BerthMount *dev = &setup->mounts[0], *bound = &setup->mounts[1];
    g_assert_cmpstr(dev->destination, ==, "/dev");
    g_assert_cmpuint(dev->data.count, ==, 3);
    g_assert_cmpstr(dev->data.pairs[0].name, ==, "mode");
    g_assert_cmpstr(dev->data.pairs[0].value, ==, "755");
    g_assert_cmpstr(dev->data.pairs[2].name, ==, "inode64");
    g_assert_null(dev->data.pairs[2].value);
    g_assert_true(bound->kind == BERTH_MOUNT_BIND && bound->recursive);
    g_assert_cmpstr(bound->source, ==, "/s");
    g_assert_null(bound->type);
    g_assert_cmpuint(bound->uid_ranges.ranges[0].outside, ==, 2);
    g_assert_cmpuint(bound->gid_ranges.ranges[0].count, ==, 6);
    g_assert_true(bound->source_owner == BERTH_SOURCE_OF_ANYBODY);
    g_assert_cmpuint(setup->layers.count, ==, 2);
    g_assert_cmpstr(setup->layers.texts[0], ==, "b");
}

static void check_rest(const BerthSetup *setup) {
    const BerthNamespace *network = berth_setup_find_namespace(setup, CLONE_NEWNET);

    g_assert_cmpstr(network->path, ==, "/run/n");
    g_assert_cmpstr(network->name, ==, "net");
    g_assert_null(berth_setup_find_namespace(setup, CLONE_NEWUTS)->path);
    g_assert_null(berth_setup_find_namespace(setup, CLONE_NEWUSER));
    g_assert_cmpstr(setup->sysctls.pairs[0].name, ==, "kernel/msgmax");
    g_assert_cmpstr(setup->sysctls.pairs[0].value, ==, "1");
    g_assert_cmpstr(setup->masked_paths.texts[0], ==, "/proc/kcore");
    g_assert_cmpuint(setup->read_only_paths.count, ==, 0);
    const BerthHooks *hooks = &setup->hooks[BERTH_HOOK_POSTSTOP];
    g_assert_cmpuint(hooks->count, ==, 2);
    g_assert_cmpstr(hooks->hooks[0].arguments.texts[1], ==, "b");
    g_assert_cmpstr(hooks->hooks[1].arguments.texts[0], ==, "/bin/c");
    g_assert_cmpuint(hooks->hooks[1].environment.count, ==, 0);
    g_assert_cmpuint(setup->hooks[BERTH_HOOK_PRESTART].count, ==, 0);
    g_assert_true(g_str_has_prefix(setup->state, "{\"ociVersion\""));
    g_assert_nonnull(strstr(setup->state, "\"k\":\"v\""));
    g_assert_false(g_str_has_suffix(setup->state, "}}"));
}

static void test_set_up_equals_the_plan(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = berth_plan_parse(CONFIGURATION, strlen(CONFIGURATION), &error);
    berth_autofd int file = berth_plan_compile(plan, "c1", &filter, &error);

    g_assert_no_error(error);
    g_assert_cmpint(write(file, "x", 1), <, 0);
    g_assert_cmpint(ftruncate(file, 0), <, 0);
    const BerthSetup *setup = berth_setup_map(file);
    g_assert_nonnull(setup);
    check_process(setup);
    check_mounts(setup);
    check_rest(setup);
}

static void test_an_unsealed_set_up_is_refused(void) {
    g_autoptr(GByteArray) image = make_image();
    berth_autofd int file = memfd_create("setup", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_true(berth_fd_write_all(file, image->data, image->len));
    g_assert_null(berth_setup_map(file));
    g_assert_cmpint(errno, ==, EINVAL);
    g_assert_cmpint(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), ==, 0);
    g_assert_null(berth_setup_map(file));
    g_assert_cmpint(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), ==, 0);
    g_assert_nonnull(berth_setup_map(file));
}

static bool relocates(const GByteArray *image, gsize size) {
    g_autofree guint8 *copy = g_memdup2(image->data, size);

    return berth_setup_relocate(copy, size);
}

static void test_truncated_and_foreign_set_ups_are_refused(void) {
    g_autoptr(GByteArray) image = make_image();
    BerthSetup *setup = (BerthSetup *)image->data;

    g_assert_true(relocates(image, image->len));
    for (gsize size = sizeof *setup; size < image->len; size++)
        g_assert_false(relocates(image, size));
    setup->version++;
    g_assert_false(relocates(image, image->len));
    setup->version--;
    setup->size += 8;
    g_assert_false(relocates(image, image->len));
    setup->size -= 8;
    setup->magic++;
    g_assert_false(relocates(image, image->len));
}

/* Offsets and counts get wrong values; if the set-up is accepted, it stays within the image. */
static void test_wrong_offsets_stay_within_the_image(void) {
    static const uint64_t values[] = {1,          8,          sizeof(BerthSetup) + 1,
                                      UINT32_MAX, UINT64_MAX, 1u << 20};
    g_autoptr(GByteArray) image = make_image();
    gsize end = image->len - image->len % 8;

    for (gsize place = offsetof(BerthSetup, id); place + 8 <= end; place += 4)
        for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
            g_autofree guint8 *copy = g_memdup2(image->data, image->len);
            memcpy(copy + place, &values[i], sizeof values[i]);
            /* ASan detects any read outside the image. */
            (void)berth_setup_relocate(copy, image->len);
        }
    BerthSetup *setup = (BerthSetup *)image->data;
    setup->arguments.count = 1000;
    g_assert_false(relocates(image, image->len));
    setup->arguments.count = 2;
    g_assert_false(relocates(image, image->len));
    setup->arguments.count = 3;
    setup->mounts = (const BerthMount *)((uintptr_t)setup->mounts + 4);
    g_assert_false(relocates(image, image->len));
    setup->mounts = (const BerthMount *)((uintptr_t)setup->mounts - 4);
    setup->hooks[BERTH_HOOK_PRESTART] = setup->hooks[BERTH_HOOK_POSTSTOP];
    g_assert_false(relocates(image, image->len));
    setup->hooks[BERTH_HOOK_PRESTART] = (BerthHooks){NULL, 1};
    g_assert_false(relocates(image, image->len));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/setup/set-up-equals-the-plan", test_set_up_equals_the_plan);
    g_test_add_func("/setup/an-unsealed-set-up-is-refused", test_an_unsealed_set_up_is_refused);
    g_test_add_func("/setup/truncated-and-foreign-set-ups-are-refused",
                    test_truncated_and_foreign_set_ups_are_refused);
    g_test_add_func("/setup/wrong-offsets-stay-within-the-image",
                    test_wrong_offsets_stay_within_the_image);
    return g_test_run();
}
