/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/filter.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static scmp_filter_ctx build(const char *profile, GError **error) {
    unsigned flags;

    return berth_filter_build(profile, strlen(profile), &flags, error);
}

/* In a child, under the default profile: the errno that a call is answered with. */
static int call_under_default(long number, long argument) {
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "..", "service", "launch",
                                                  "seccomp-default.json", NULL);
    g_autofree char *text = NULL;
    gsize size;
    int status;

    g_assert_true(g_file_get_contents(path, &text, &size, NULL));
    pid_t child = fork();
    if (child == 0) {
        unsigned flags;
        scmp_filter_ctx filter = berth_filter_build(text, size, &flags, NULL);
        BerthProgram *program = filter ? berth_filter_compile(filter, flags, NULL) : NULL;
        if (!program || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            !berth_program_load(program, NULL))
            _exit(255);
        _exit(syscall(number, argument, 0, 0, 0, 0) < 0 ? errno : 0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_default_profile(void) {
    g_assert_cmpint(call_under_default(SYS_getpid, 0), ==, 0);
    g_assert_cmpint(call_under_default(SYS_mount, 0), ==, EPERM);
    g_assert_cmpint(call_under_default(SYS_unshare, 0), ==, EPERM);
    g_assert_cmpint(call_under_default(SYS_bpf, 0), ==, EPERM);
    g_assert_cmpint(call_under_default(SYS_keyctl, 0), ==, EPERM);
    g_assert_cmpint(call_under_default(SYS_kexec_load, 0), ==, EPERM);
    g_assert_cmpint(call_under_default(SYS_personality, 0x0400000), ==, EPERM);
    g_assert_cmpint(call_under_default(SYS_clone3, 0), ==, ENOSYS);
}

static void test_bad_profiles(void) {
    static const char *const bad[] = {
        "",
        "{}",
        "{\"defaultAction\":\"SCMP_ACT_WHATEVER\"}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[1]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
        "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":9,\"op\":\"SCMP_CMP_EQ\"}]}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
        "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"op\":\"x\"}]}]}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(build(bad[i], &error));
        g_assert_nonnull(error);
    }
}

static void test_unknown_calls_are_skipped(void) {
    g_autoptr(GError) error = NULL;
    scmp_filter_ctx filter = build("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":"
                                   "[\"read\",\"of_the_future\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
                                   &error);

    g_assert_no_error(error);
    seccomp_release(filter);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/filter/default-profile", test_default_profile);
    g_test_add_func("/filter/bad-profiles", test_bad_profiles);
    g_test_add_func("/filter/unknown-calls-are-skipped", test_unknown_calls_are_skipped);
    return g_test_run();
}
