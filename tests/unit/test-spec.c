/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/signals.h"
#include "containers/spec/capabilities.h"
#include "containers/spec/privilege-names.h"
#include "containers/spec/privileges.h"
#include "containers/spec/spec.h"

#include <signal.h>

static BerthImageInfo *new_image(void) {
    return berth_image_info_parse(
        "('m', 'c', 'sha256:x', 'linux', 'amd64', '', ['sha256:x'], ['entry'], ['cmd'],"
        " ['A=1', 'PATH=/image'], @as [], @as [], @as [], 'u', '/w', 'SIGUSR1')");
}

static char *format(const BerthCreateOptions *options, GError **error) {
    g_autoptr(BerthImageInfo) image = new_image();
    char *chain[] = {(char *)"top", (char *)"bottom", NULL};

    g_assert_nonnull(image);
    const BerthSpecContext context = {
        .chain = chain,
        .ids = options->network_mode == BERTH_NETWORK_HOST ? 0 : 524288,
        .directory = "/d",
    };
    return berth_spec_format(options, image, &context, error);
}

static void test_image_and_options_are_joined(void) {
    char *command[] = {(char *)"given", NULL};
    char *environment[] = {(char *)"A=2", NULL};
    BerthCreateOptions options = {
        .id = "x", .image = "i", .command = command, .environment = environment};
    g_autofree char *text = format(&options, NULL);

    g_assert_nonnull(strstr(text, "\"entry\",\n      \"given\""));
    g_assert_null(strstr(text, "\"cmd\""));
    g_assert_nonnull(strstr(text, "A=2"));
    g_assert_null(strstr(text, "A=1"));
    g_assert_nonnull(strstr(text, "PATH=/image"));
    g_assert_nonnull(strstr(text, "\"/w\""));
    g_assert_nonnull(strstr(text, "top:bottom"));
    g_assert_nonnull(strstr(text, "\"network\""));
}

static void test_weaker_options_have_names(void) {
    char *add[] = {(char *)"net_admin", (char *)"CAP_SYS_TIME", NULL};
    char *devices[] = {(char *)"/dev/fuse:/dev/f:r", NULL};
    BerthCreateOptions plain = {.network = "none", .slice = "berth-a.slice", .root_directory = -1};
    BerthCreateOptions weak = {.network = "host",
                               .network_mode = BERTH_NETWORK_HOST,
                               .user_namespace = BERTH_USER_NAMESPACE_HOST,
                               .seccomp = BERTH_SECCOMP_UNCONFINED,
                               .capabilities_add = add,
                               .devices = devices,
                               .slice = "system.slice",
                               .root_directory = 1 << 20};
    g_autofree char *names = berth_privileges_of_container(&weak);

    g_assert_null(berth_privileges_of_container(&plain));
    g_assert_cmpstr(
        names, ==,
        "capability:CAP_NET_ADMIN capability:CAP_SYS_TIME device:/dev/fuse "
        "host-network host-users root-directory:(unreachable) seccomp slice:system.slice");
}

static bool parse_choice(BerthCreateOptions *options, const char *key, const char *text) {
    g_autoptr(GError) error = NULL;

    for (const BerthCreateField *field = berth_create_fields; field->key; field++)
        if (g_str_equal(field->key, key)) {
            bool good = field->parse(options, text, &error);
            g_assert_true(good ||
                          g_error_matches(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT));
            return good;
        }
    g_assert_not_reached();
}

static void test_choices_are_parsed_or_refused(void) {
    g_autoptr(BerthCreateOptions) options = berth_create_options_new(1000);

    g_assert_true(parse_choice(options, "Network", "web"));
    g_assert_cmpint(options->network_mode, ==, BERTH_NETWORK_NAMED);
    g_assert_cmpstr(options->network, ==, "web");
    g_assert_true(parse_choice(options, "UserNamespace", "host"));
    g_assert_cmpint(options->user_namespace, ==, BERTH_USER_NAMESPACE_HOST);
    g_assert_true(parse_choice(options, "Seccomp", "{}"));
    g_assert_cmpint(options->seccomp, ==, BERTH_SECCOMP_PROFILE);
    g_assert_cmpstr(options->seccomp_profile, ==, "{}");
    g_assert_true(parse_choice(options, "Restart", "on-failure"));
    g_assert_cmpint(options->restart, ==, BERTH_RESTART_ON_FAILURE);
    g_assert_false(parse_choice(options, "Network", "a/b"));
    g_assert_false(parse_choice(options, "UserNamespace", "hosts"));
    g_assert_false(parse_choice(options, "Seccomp", ""));
    g_assert_false(parse_choice(options, "Restart", "sometimes"));
}

/* A Spec that asks for the same has the same names. */
static void test_a_spec_has_the_same_names(void) {
    BerthCreateOptions options = {
        .root_directory = -1,
        .spec = "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
                "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"user\":{\"uid\":0,\"gid\":0},"
                "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_SYS_ADMIN\"]}},"
                "\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/srv/a b\","
                "\"options\":[\"rbind\"]}],"
                "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]}}"};
    g_autofree char *names = berth_privileges_of_container(&options);

    g_assert_cmpstr(names, ==,
                    "all-devices bind:/srv/a\\x20b capability:CAP_SYS_ADMIN host-ipc host-network "
                    "host-users host-uts new-privileges seccomp spec unmasked");
}

/* Whatever else a Spec could be the machine by has a name. The filter that it says is the default
 * is not: that annotation is Berth's own, and taken out. */
static void test_nothing_of_a_spec_goes_without_a_name(void) {
    static const struct {
        const char *process, *of_linux, *mounts, *rest, *name;
    } cases[] = {
        {"", "", "",
         "\"hooks\":{\"poststop\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"a b\"],"
         "\"env\":[\"A=1\"]}]}",
         "hook:A=1\\x20/bin/sh\\x20sh\\x20-c\\x20a\\x5cx20b"},
        {"", "", "", "\"hooks\":{\"createRuntime\":[{\"path\":\"/h\"}]}", "hook:/h"},
        {"", "", "", "\"annotations\":{\"org.berth1.seccomp\":\"default\"}", "seccomp"},
        {"",
         "\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"network\",\"path\":\"/proc/1/ns/net\"}]",
         "", "", "namespace:/proc/1/ns/net"},
        {"", "\"namespaces\":[{\"type\":\"mount\"}]", "", "", "host-pid"},
        {"",
         "\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}],"
         "\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":10}],"
         "\"gidMappings\":[{\"containerID\":0,\"hostID\":4242,\"size\":1}]",
         "", "", "host-gids:4242-4242 host-ipc host-network host-pid host-uids:0-9 host-uts"},
        {"", "\"namespaces\":[{\"type\":\"mount\"}]",
         "{\"destination\":\"/x\",\"type\":\"ext4\",\"source\":\"/dev/sda\"}", "",
         "mount:ext4:/dev/sda"},
        {"", "\"namespaces\":[{\"type\":\"mount\"}]",
         "{\"destination\":\"/x\",\"source\":\"/etc\",\"options\":[\"bind\",\"x-berth.owner=0\"]}",
         "", "idmap:/etc"},
        {"", "\"namespaces\":[{\"type\":\"mount\"}]",
         "{\"destination\":\"/x\",\"source\":\"/etc\",\"options\":[\"bind\",\"rshared\"]}", "",
         "shared:/etc"},
        {"",
         "\"namespaces\":[{\"type\":\"mount\"}],\"resources\":{\"devices\":[{\"allow\":false},"
         "{\"allow\":true,\"type\":\"b\",\"access\":\"rw\"}]}",
         "", "", "device-rule:block-*\\x20rw"},
        {"", "\"namespaces\":[{\"type\":\"mount\"}],\"resources\":{\"memory\":{\"reservation\":5}}",
         "", "", "property:MemoryLow"},
        {"",
         "\"namespaces\":[{\"type\":\"mount\"}],\"resources\":{\"unified\":{\"memory.min\":\"5\"}}",
         "", "", "property:MemoryMin"},
        {"\"oomScoreAdj\":-1000", "", "", "", "oom-score"},
        {"\"scheduler\":{\"policy\":\"SCHED_FIFO\",\"priority\":1}", "", "", "", "scheduler"},
        {"\"rlimits\":[{\"type\":\"RLIMIT_NICE\",\"hard\":40,\"soft\":40}]", "", "", "",
         "limit:RLIMIT_NICE"},
        {"\"apparmorProfile\":\"unconfined\"", "", "", "", "label:unconfined"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *spec = g_strdup_printf(
            "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"mounts\":[%s],"
            "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"user\":{\"uid\":0,\"gid\":0}%s%s},"
            "\"linux\":{%s}%s%s}",
            cases[i].mounts, cases[i].process[0] ? "," : "", cases[i].process,
            cases[i].of_linux[0] ? cases[i].of_linux : "\"namespaces\":[{\"type\":\"mount\"}]",
            cases[i].rest[0] ? "," : "", cases[i].rest);
        const BerthCreateOptions options = {.root_directory = -1, .spec = spec};
        g_autofree char *names = berth_privileges_of_container(&options);
        g_autofree char *padded = g_strdup_printf(" %s ", names);
        g_autofree char *word = g_strdup_printf(" %s ", cases[i].name);
        if (!strstr(padded, word))
            g_error("\"%s\" is not among \"%s\"", cases[i].name, names);
    }
}

/* An exec with a process of its own has the capabilities of both, whether or not the process has a
 * command itself. */
static void test_an_exec_has_the_same_names(void) {
    char *command[] = {(char *)"sh", NULL}, *add[] = {(char *)"net_raw", NULL};
    BerthExecOptions options = {
        .process = "x",
        .command = command,
        .capabilities_add = add,
        .spec = "{\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0},"
                "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_SYS_ADMIN\"]}}"};
    g_autofree char *names = berth_privileges_of_exec(&options);
    g_autoptr(GVariant) changed =
        g_variant_ref_sink(g_variant_new_parsed("{'TasksMax': <uint64 1>, 'MemoryMin': <uint64 1>,"
                                                " 'ManagedOOMPreference': <'omit'>}"));
    g_autofree char *reserved = berth_privileges_of_update(changed);

    g_assert_cmpstr(names, ==,
                    "capability:CAP_NET_RAW capability:CAP_SYS_ADMIN new-privileges spec");
    g_assert_cmpstr(reserved, ==, "property:ManagedOOMPreference property:MemoryMin");
}

static void test_a_name_hides_no_other(void) {
    g_autofree char *word = berth_privileges_escape("/a bind:/b\\\n\xff");

    g_assert_cmpstr(word, ==, "/a\\x20bind:/b\\x5c\\x0a\\xff");
}

static void test_capabilities(void) {
    char *drop[] = {(char *)"all", NULL}, *add[] = {(char *)"net_raw", NULL};
    BerthCreateOptions options = {
        .id = "x", .image = "i", .capabilities_drop = drop, .capabilities_add = add};
    g_autofree char *text = format(&options, NULL);

    g_assert_nonnull(strstr(text, "CAP_NET_RAW"));
    g_assert_null(strstr(text, "CAP_CHOWN"));
}

static void test_unknown_capabilities_are_errors(void) {
    char *names[] = {(char *)"net_raww", NULL};
    BerthCreateOptions added = {.id = "x", .image = "i", .capabilities_add = names};
    BerthCreateOptions dropped = {.id = "x", .image = "i", .capabilities_drop = names};
    g_autoptr(GError) first = NULL;
    g_autoptr(GError) second = NULL;

    g_assert_null(format(&added, &first));
    g_assert_error(first, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull(strstr(first->message, "net_raww"));
    g_assert_null(format(&dropped, &second));
    g_assert_error(second, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

static void test_a_relative_directory_is_refused(void) {
    BerthCreateOptions options = {.id = "x", .image = "i", .working_directory = "a"};
    g_autoptr(GError) error = NULL;

    g_assert_null(format(&options, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

static void test_signals(void) {
    g_assert_cmpint(berth_signal_parse("SIGTERM"), ==, SIGTERM);
    g_assert_cmpint(berth_signal_parse("usr1"), ==, SIGUSR1);
    g_assert_cmpint(berth_signal_parse("9"), ==, 9);
    g_assert_cmpint(berth_signal_parse("RTMIN+3"), ==, SIGRTMIN + 3);
    g_assert_cmpint(berth_signal_parse(""), ==, 0);
    g_assert_cmpint(berth_signal_parse("0"), ==, 0);
    g_assert_cmpint(berth_signal_parse("999"), ==, 0);
    g_assert_cmpint(berth_signal_parse("SIGNOTHING"), ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/spec/image-and-options-are-joined", test_image_and_options_are_joined);
    g_test_add_func("/spec/weaker-options-have-names", test_weaker_options_have_names);
    g_test_add_func("/spec/choices-are-parsed-or-refused", test_choices_are_parsed_or_refused);
    g_test_add_func("/spec/a-spec-has-the-same-names", test_a_spec_has_the_same_names);
    g_test_add_func("/spec/nothing-of-a-spec-goes-without-a-name",
                    test_nothing_of_a_spec_goes_without_a_name);
    g_test_add_func("/spec/an-exec-has-the-same-names", test_an_exec_has_the_same_names);
    g_test_add_func("/spec/a-name-hides-no-other", test_a_name_hides_no_other);
    g_test_add_func("/spec/capabilities", test_capabilities);
    g_test_add_func("/spec/unknown-capabilities-are-errors", test_unknown_capabilities_are_errors);
    g_test_add_func("/spec/a-relative-directory-is-refused", test_a_relative_directory_is_refused);
    g_test_add_func("/spec/signals", test_signals);
    return g_test_run();
}
