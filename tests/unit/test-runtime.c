/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-runtime: command line, log, ids, bundles and updates. */

#include "bundle.h"
#include "config.h"
#include "log.h"
#include "options.h"
#include "overrides.h"
#include "update.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static int verb_runs(RuntimeOptions *options, GError **error) {
    (void)options, (void)error;
    return 0;
}

static const RuntimeVerb verbs[] = {
    {"create", runtime_create_options, false, 1, 1, "ID", verb_runs, 1},
    {"exec", runtime_exec_options, true, 1, -1, "ID [COMMAND…]", verb_runs, 255},
    {"kill", runtime_kill_options, false, 1, 2, "ID [SIGNAL]", verb_runs, 1},
    {"update", runtime_update_options, false, 1, 1, "ID", verb_runs, 1},
    {.name = NULL},
};

/* Parsed command lines are not freed (options.h): GOption removes some words from the vector, and
 * the options point into the words. They are kept here, so that they are not reported as leaks. */
static GPtrArray *kept;

static bool parse(const char *line, GError **error) {
    char **arguments;
    int count;

    memset(&runtime_options, 0, sizeof(runtime_options));
    g_assert_true(g_shell_parse_argv(line, &count, &arguments, NULL));
    if (!kept)
        kept = g_ptr_array_new();
    g_ptr_array_add(kept, g_memdup2(arguments, (gsize)count * sizeof *arguments));
    g_ptr_array_add(kept, arguments);
    bool good = runtime_options_parse(&runtime_options, verbs, count, arguments, error);
    g_ptr_array_add(kept, g_memdup2(&runtime_options, sizeof runtime_options));
    return good;
}

static void assert_refused(const char *line, const char *reason) {
    g_autoptr(GError) error = NULL;

    g_assert_false(parse(line, &error));
    g_assert_nonnull(strstr(error->message, reason));
}

static void test_the_command_line_of_conmon(void) {
    g_assert_true(parse("runtime --log-format=json --log /l --root /run/../run/r/ create -b /b "
                        "--pid-file /p --console-socket /s --preserve-fds 2 NAME",
                        NULL));
    g_assert_cmpstr(runtime_options.verb->name, ==, "create");
    g_assert_cmpstr(runtime_options.root, ==, "/run/r");
    g_assert_cmpint(runtime_options.format, ==, RUNTIME_LOG_JSON);
    g_assert_cmpstr(runtime_options.bundle, ==, "/b");
    g_assert_cmpstr(runtime_options.console_socket, ==, "/s");
    g_assert_cmpint(runtime_options.preserve_fds, ==, 2);
    g_assert_cmpstr(runtime_options.arguments[0], ==, "NAME");
    g_assert_null(runtime_options.arguments[1]);
}

static void test_options_follow_the_id_but_not_the_command(void) {
    g_assert_true(parse("runtime kill NAME --all 9", NULL));
    g_assert_true(runtime_options.all);
    g_assert_cmpstr(runtime_options.arguments[1], ==, "9");
    g_assert_true(parse("runtime exec -e A=1 --env B=2 -t NAME ls -t --env", NULL));
    g_assert_true(runtime_options.tty);
    g_assert_cmpstr(runtime_options.env[1], ==, "B=2");
    g_assert_cmpstr(runtime_options.arguments[2], ==, "-t");
    g_assert_cmpstr(runtime_options.arguments[3], ==, "--env");
}

static void test_unsupported_options_are_refused_by_name(void) {
    assert_refused("runtime create --no-pivot NAME", "option --no-pivot is not supported");
    assert_refused("runtime exec --cgroup x NAME ls", "option --cgroup is not supported");
    assert_refused("runtime create --unknown NAME", "--unknown");
    assert_refused("runtime create", "an argument is missing; usage: create ID");
    assert_refused("runtime create A B", "too many arguments");
    assert_refused("runtime fly NAME", "unknown command \"fly\"");
    assert_refused("runtime", "a verb is missing");
    assert_refused("runtime --log-format yaml create NAME", "unknown log format \"yaml\"");
}

static void test_a_line_of_the_log_is_what_logrus_writes(void) {
    g_autoptr(GDateTime) time = g_date_time_new_utc(2026, 1, 2, 3, 4, 5);
    g_autofree char *json =
        runtime_log_make_line(RUNTIME_LOG_JSON, RUNTIME_LOG_ERROR, "a \"b\"\n\xff", time);
    g_autofree char *text =
        runtime_log_make_line(RUNTIME_LOG_TEXT, RUNTIME_LOG_WARNING, "a \"b\"", time);

    g_assert_cmpstr(json, ==,
                    "{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\\n\357\277\275\","
                    "\"time\":\"2026-01-02T03:04:05Z\"}");
    g_assert_cmpstr(text, ==, "time=\"2026-01-02T03:04:05Z\" level=warning msg=\"a \\\"b\\\"\"");
}

static void test_ids_at_the_service_are_of_root_and_id(void) {
    g_autofree char *long_id = g_strnfill(200, 'f');
    g_autofree char *a = runtime_record_make_berth_id("/run/a", "web");
    g_autofree char *b = runtime_record_make_berth_id("/run/b", "web");
    g_autofree char *whole = runtime_record_make_berth_id("/run/a", long_id);
    g_autofree char *odd = runtime_record_make_berth_id("/run/a", "+x+y");
    const char *wrong[] = {"", ".", "..", "a/b", "a b", "\xc3\xa4", NULL};

    g_assert_true(g_str_has_suffix(a, "-web"));
    g_assert_cmpstr(a, !=, b);
    g_assert_cmpuint(strlen(whole), ==, 64);
    g_assert_true(g_str_has_suffix(odd, "--x-y"));
    for (const char **id = wrong; *id; id++)
        g_assert_false(runtime_record_check_id(*id, NULL));
    g_assert_true(runtime_record_check_id("a_B+c.d-9", NULL));
}

static json_object *read_text(const char *text) {
    json_object *config = berth_document_parse(text, strlen(text), NULL);

    g_assert_nonnull(config);
    return config;
}

static void test_a_bundle_is_adapted(void) {
    g_autoptr(json_object) config =
        read_text("{\"mounts\":[{\"type\":\"bind\",\"source\":\"data\",\"destination\":\"/d\"},"
                  "{\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"destination\":\"/t\"}],"
                  "\"linux\":{\"cgroupsPath\":\"/default/x\","
                  "\"namespaces\":[{\"type\":\"network\",\"path\":\"/run/netns/x\"}]}}");
    g_autofree char *path = NULL;
    g_autoptr(json_object) adapted = runtime_bundle_adapt(config, "/bundle", "/none", &path, NULL);
    g_autofree char *text = berth_document_print(adapted, false);

    g_assert_cmpstr(path, ==, "/default/x");
    g_assert_nonnull(strstr(text, "\"source\":\"/bundle/data\""));
    g_assert_nonnull(strstr(text, "\"source\":\"tmpfs\""));
    g_assert_nonnull(strstr(text, "\"path\":\"/run/netns/x\""));
    g_assert_null(strstr(text, "cgroupsPath"));
}

static char * override(const char *line, json_object *config, GError **error) {
    g_assert_true(parse(line, NULL));
    g_autoptr(json_object) whole = runtime_overrides_apply(config, &runtime_options, error);
    return whole ? berth_document_print(whole, false) : NULL;
}

static void test_options_of_create_override_the_configuration(void) {
    static const char written[] =
        "{\"linux\":{\"resources\":{\"memory\":{\"limit\":9,\"reservation\":5}}}}";
    g_autoptr(json_object) config = read_text(written);
    g_autoptr(json_object) wrong = read_text("{\"linux\":{\"resources\":[]}}");
    g_autoptr(GError) error = NULL;
    g_autofree char *same = override("berth-runtime create a", config, NULL);
    g_autofree char *changed =
        override("berth-runtime create --memory=7 --cpu-quota 3000 a", config, NULL);
    g_autofree char *none = override("berth-runtime create --memory=7 a", wrong, &error);
    g_autofree char *kept_text = berth_document_print(config, false);

    g_assert_cmpstr(same, ==, written);
    g_assert_nonnull(strstr(changed, "\"memory\":{\"limit\":7,\"reservation\":5}"));
    g_assert_nonnull(strstr(changed, "\"cpu\":{\"quota\":3000}"));
    g_assert_cmpstr(kept_text, ==, written);
    g_assert_null(none);
    g_assert_nonnull(error);
}

static void test_the_caller_is_mapped_to_root_of_the_container(void) {
    g_autoptr(json_object) config =
        read_text("{\"process\":{\"user\":{\"uid\":7,\"gid\":8,\"additionalGids\":[9]}},"
                  "\"mounts\":[{\"type\":\"devpts\",\"options\":[\"mode=0620\",\"gid=5\"]},"
                  "{\"type\":\"tmpfs\",\"options\":[\"gid=5\"]}],"
                  "\"linux\":{\"uidMappings\":[],\"namespaces\":[{\"type\":\"pid\"},"
                  "{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}]}}");
    g_autofree char *text = override("berth-runtime create --map-root-user a", config, NULL);
    g_autofree char *mapping = g_strdup_printf(
        "\"uidMappings\":[{\"containerID\":0,\"hostID\":%u,\"size\":1}]", geteuid());

    g_assert_nonnull(strstr(text, "\"user\":{\"uid\":0,\"gid\":0}"));
    g_assert_nonnull(strstr(text, "{\"type\":\"devpts\",\"options\":[\"mode=0620\"]}"));
    g_assert_nonnull(strstr(text, "{\"type\":\"tmpfs\",\"options\":[\"gid=5\"]}"));
    g_assert_nonnull(strstr(text, "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"user\"}]"));
    g_assert_nonnull(strstr(text, mapping));
}

static void test_a_cgroup_of_the_callers_unit_is_recognized(void) {
    bool is_callers = false;

    g_assert_true(runtime_overrides_parse_cgroup("caller", &is_callers, NULL) && is_callers);
    g_assert_true(runtime_overrides_parse_cgroup(NULL, &is_callers, NULL) && !is_callers);
    g_assert_false(runtime_overrides_parse_cgroup("mine", &is_callers, NULL));

    g_assert_true(runtime_bundle_is_callers_cgroup("/s.slice/u.service/libpod-payload-x",
                                                   "/s.slice/u.service/supervisor"));
    g_assert_true(runtime_bundle_is_callers_cgroup("/s.slice/u.service/x", "/s.slice/u.service"));
    g_assert_false(runtime_bundle_is_callers_cgroup("/s.slice/u.service/x", "/s.slice/u.serv"));
    g_assert_false(runtime_bundle_is_callers_cgroup("/default/x", "/system.slice/c.service"));
    g_assert_false(runtime_bundle_is_callers_cgroup("/x", "/"));
    g_assert_false(runtime_bundle_is_callers_cgroup("x", "/"));
}

static bool is_command_found(int root, const char *command, const char *mount) {
    g_autofree char *text =
        g_strdup_printf("{\"process\":{\"args\":[\"%s\"],\"cwd\":\"/\",\"env\":[\"PATH=/x:/bin\"]},"
                        "\"mounts\":[{\"destination\":\"%s\"}]}",
                        command, mount);
    g_autoptr(json_object) config = read_text(text);
    g_autoptr(GError) error = NULL;
    bool found = runtime_command_check(config, root, &error);

    g_assert_true(found || g_error_matches(error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND));
    return found;
}

static void test_a_command_is_looked_for_before_the_start(void) {
    g_autofree char *directory = g_dir_make_tmp(NULL, NULL);
    g_autofree char *usr = g_build_filename(directory, "usr", NULL);
    g_autofree char *bin = g_build_filename(directory, "usr", "bin", NULL);
    g_autofree char *link = g_build_filename(directory, "bin", NULL);
    g_autofree char *file = g_build_filename(directory, "usr", "bin", "sh", NULL);

    g_assert_cmpint(g_mkdir_with_parents(bin, 0755), ==, 0);
    /* An absolute link is resolved within the root. */
    g_assert_cmpint(symlink("/usr/bin", link), ==, 0);
    g_assert_true(g_file_set_contents(file, "", 0, NULL));
    int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_assert_true(is_command_found(root, "sh", "/proc"));
    g_assert_true(is_command_found(root, "/bin/sh", "/proc"));
    g_assert_false(is_command_found(root, "none", "/proc"));
    g_assert_false(is_command_found(root, "/bin/none", "/proc"));
    /* A mount may provide the command, under whatever name its destination has. */
    g_assert_true(is_command_found(root, "none", "/usr"));
    g_assert_true(is_command_found(root, "/usr/bin/none", "/bin"));
    g_assert_true(is_command_found(root, "/bin/none", "/usr/bin/none"));
    g_assert_true(is_command_found(root, "/opt/x/none", "/opt"));
    g_assert_false(is_command_found(root, "/opt/x/none", "/op"));
    close(root);
    g_unlink(file), g_unlink(link), g_rmdir(bin), g_rmdir(usr), g_rmdir(directory);
}

static uint64_t find_property(const BerthPlan *plan, const char *name) {
    for (guint i = 0; i < plan->properties->len; i++) {
        const BerthPlanProperty *property = &g_array_index(plan->properties, BerthPlanProperty, i);
        if (g_str_equal(property->name, name))
            return g_variant_get_uint64(property->value);
    }
    return 0;
}

static void test_updates_become_properties(void) {
    g_assert_true(
        parse("runtime update NAME --memory 1000000 --pids-limit=5 --cpu-share 1024", NULL));
    g_autoptr(json_object) resources = runtime_update_read(&runtime_options, NULL);
    g_autoptr(BerthPlan) plan = runtime_update_make_plan(resources, NULL);

    g_assert_nonnull(plan);
    g_assert_cmpuint(find_property(plan, "MemoryMax"), ==, 1000000);
    g_assert_cmpuint(find_property(plan, "TasksMax"), ==, 5);
    g_assert_cmpuint(find_property(plan, "CPUWeight"), >, 0);
    g_assert_cmpuint(plan->properties->len, ==, 3);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/runtime/the-command-line-of-conmon", test_the_command_line_of_conmon);
    g_test_add_func("/runtime/options-follow-the-id-but-not-the-command",
                    test_options_follow_the_id_but_not_the_command);
    g_test_add_func("/runtime/unsupported-options-are-refused-by-name",
                    test_unsupported_options_are_refused_by_name);
    g_test_add_func("/runtime/a-line-of-the-log-is-what-logrus-writes",
                    test_a_line_of_the_log_is_what_logrus_writes);
    g_test_add_func("/runtime/ids-at-the-service-are-of-root-and-id",
                    test_ids_at_the_service_are_of_root_and_id);
    g_test_add_func("/runtime/a-bundle-is-adapted", test_a_bundle_is_adapted);
    g_test_add_func("/runtime/options-of-create-override-the-configuration",
                    test_options_of_create_override_the_configuration);
    g_test_add_func("/runtime/the-caller-is-mapped-to-root-of-the-container",
                    test_the_caller_is_mapped_to_root_of_the_container);
    g_test_add_func("/runtime/a-cgroup-of-the-callers-unit-is-recognized",
                    test_a_cgroup_of_the_callers_unit_is_recognized);
    g_test_add_func("/runtime/a-command-is-looked-for-before-the-start",
                    test_a_command_is_looked_for_before_the_start);
    g_test_add_func("/runtime/updates-become-properties", test_updates_become_properties);
    return g_test_run();
}
