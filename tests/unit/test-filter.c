/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* System call filters, loaded in child processes: the default profile and those of callers. */

#include "seccomp/filter.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool build(const char *profile, BerthFilter *filter, GError **error) {
    return berth_filter_build(profile, strlen(profile), 0, filter, error);
}

/* As in launch/execute.c. */
static bool load(const BerthFilterProgram *program) {
    const struct sock_fprog whole = {
        .len = (unsigned short)program->count,
        .filter = (struct sock_filter *)program->instructions,
    };

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &whole) >= 0;
}

/* Runs a system call under a profile in a child process, and returns the resulting errno. */
static int call_under(const char *profile, uint64_t capabilities, long number, long argument) {
    int status;
    pid_t child = fork();

    if (child == 0) {
        BerthFilter filter;
        bool built = berth_filter_build(profile, strlen(profile), capabilities, &filter, NULL);
        BerthFilterProgram *program = built ? berth_filter_compile(&filter, NULL) : NULL;
        if (!program || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !load(program))
            _exit(255);
        _exit(syscall(number, argument, 0, 0, 0, 0) < 0 ? errno : 0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int call_with(uint64_t capabilities, long number, long argument) {
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "..", "service", "seccomp",
                                                  "seccomp-default.json", NULL);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return call_under(text, capabilities, number, argument);
}

static int call_under_default(long number, long argument) {
    return call_with(0, number, argument);
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

/* The refused families reach the kernel's cryptography and hypervisors; the kernel only uses the
 * lower half of the argument. A family that is let through fails because its type is 0. */
static void test_default_profile_chooses_families(void) {
    static const int refused[] = {AF_ALG, AF_VSOCK, AF_MAX + 1, -1};
    static const int let_through[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_QIPCRTR};

    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_cmpint(call_under_default(SYS_socket, refused[i]), ==, EPERM);
        g_assert_cmpint(call_under_default(SYS_socket, refused[i] | 1l << 32), ==, EPERM);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(let_through); i++)
        g_assert_cmpint(call_under_default(SYS_socket, let_through[i]), !=, EPERM);
}

/* unshare(0) does nothing, clone3(NULL, 0) is invalid. */
static void test_default_profile_grows_with_capabilities(void) {
    const uint64_t admin = 1ull << CAP_SYS_ADMIN, time = 1ull << CAP_SYS_TIME;

    g_assert_cmpint(call_with(admin, SYS_unshare, 0), ==, 0);
    g_assert_cmpint(call_with(admin, SYS_clone3, 0), ==, EINVAL);
    g_assert_cmpint(call_with(time, SYS_unshare, 0), ==, EPERM);
    g_assert_cmpint(call_with(time, SYS_clone3, 0), ==, ENOSYS);
    g_assert_cmpint(call_with(time, SYS_settimeofday, 0), ==, 0);
    g_assert_cmpint(call_with(admin, SYS_settimeofday, 0), ==, EPERM);
    g_assert_cmpint(call_with(UINT64_MAX, SYS_kexec_load, 0), ==, EPERM);
}

static void check_condition(const char *conditions, bool applies) {
    g_autofree char *profile =
        g_strdup_printf("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
                        "[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\",%s}]}",
                        conditions);

    g_assert_cmpint(call_under(profile, 1ull << CAP_CHOWN, SYS_getppid, 0), ==,
                    applies ? EPERM : 0);
}

static void test_conditions(void) {
    check_condition("\"includes\":{}", true);
    check_condition("\"includes\":{\"caps\":[\"CAP_CHOWN\"]}", true);
    check_condition("\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}", false);
    check_condition("\"includes\":{\"caps\":[\"CAP_OF_THE_FUTURE\"]}", false);
    check_condition("\"excludes\":{\"caps\":[\"CAP_KILL\",\"CAP_CHOWN\"]}", false);
    check_condition("\"excludes\":{\"caps\":[\"CAP_KILL\"]}", true);
    check_condition("\"includes\":{\"minKernel\":\"4.8\"}", true);
    check_condition("\"includes\":{\"minKernel\":\"99.0\"}", false);
    check_condition("\"excludes\":{\"minKernel\":\"4.8\"}", false);
    check_condition("\"excludes\":{\"minKernel\":\"99.0\"}", true);
    check_condition("\"includes\":{\"arches\":[\"pdp11\"]}", false);
    check_condition("\"includes\":{\"arches\":[\"pdp11\",\"amd64\",\"arm64\"]}", true);
    check_condition("\"excludes\":{\"arches\":[\"amd64\",\"arm64\"]}", false);
}

static void test_a_filter_may_notify(void) {
    g_autoptr(GError) error = NULL;
    BerthFilter filter;

    g_assert_true(
        build("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],"
              "\"action\":\"SCMP_ACT_NOTIFY\"}]}",
              &filter, &error));
    g_assert_no_error(error);
    g_assert_true(filter.notifies);
    seccomp_release(filter.context);
    g_assert_true(build("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", &filter, &error));
    g_assert_false(filter.notifies);
    seccomp_release(filter.context);
}

/* With 0, a refused call would seem to have succeeded. */
static void test_an_error_number_that_is_null_is_eperm(void) {
    g_assert_cmpint(call_under("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
                               "[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":null}]}",
                               0, SYS_getppid, 0),
                    ==, EPERM);
}

static void test_an_argument_has_64_bits(void) {
    static const char profile[] =
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],"
        "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_MASKED_EQ\","
        "\"value\":9223372036854775808,\"valueTwo\":9223372036854775808}]}]}";

    g_assert_cmpint(call_under(profile, 0, SYS_getppid, -1), ==, EPERM);
    g_assert_cmpint(call_under(profile, 0, SYS_getppid, 1), ==, 0);
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
        "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"sendmsg\"],"
        "\"action\":\"SCMP_ACT_NOTIFY\"}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
        "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EQ\","
        "\"value\":-1}]}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
        "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EQ\","
        "\"value\":1.0}]}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[1]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
        "\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"maxKernel\":\"4.8\"}}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
        "\"action\":\"SCMP_ACT_ERRNO\",\"excludes\":{\"minKernel\":\"new\"}}]}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        BerthFilter filter;
        g_assert_false(build(bad[i], &filter, &error));
        g_assert_nonnull(error);
    }
}

static void test_unknown_calls_are_skipped(void) {
    g_autoptr(GError) error = NULL;
    BerthFilter filter;

    g_assert_true(build("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":"
                        "[\"read\",\"of_the_future\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
                        &filter, &error));
    g_assert_no_error(error);
    seccomp_release(filter.context);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/filter/default-profile", test_default_profile);
    g_test_add_func("/filter/default-profile-chooses-families",
                    test_default_profile_chooses_families);
    g_test_add_func("/filter/default-profile-grows-with-capabilities",
                    test_default_profile_grows_with_capabilities);
    g_test_add_func("/filter/conditions", test_conditions);
    g_test_add_func("/filter/may-notify", test_a_filter_may_notify);
    g_test_add_func("/filter/an-error-number-that-is-null-is-eperm",
                    test_an_error_number_that_is_null_is_eperm);
    g_test_add_func("/filter/an-argument-has-64-bits", test_an_argument_has_64_bits);
    g_test_add_func("/filter/bad-profiles", test_bad_profiles);
    g_test_add_func("/filter/unknown-calls-are-skipped", test_unknown_calls_are_skipped);
    return g_test_run();
}
