/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth.conf and its drop-ins: precedence, invalid values, and policies. */

#include "remotes/settings.h"

#include <glib/gstdio.h>

static char *root;

static void write_file(const char *path, const char *text) {
    g_autofree char *full = g_build_filename(root, path, NULL);
    g_autofree char *directory = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void test_defaults_without_files(void) {
    g_autoptr(BerthSettings) settings = berth_settings_load(root);

    g_assert_cmpuint(settings->registries->len, ==, 0);
    g_assert_true(settings->keep_compressed);
    g_assert_cmpint(berth_settings_find_policy(settings, "a/b")->kind, ==, BERTH_POLICY_ACCEPT);
}

static void test_drop_ins_by_name_the_last_directory_wins(void) {
    write_file("etc/berth/berth.conf", "[Transfer]\nParallelLayers=2\nBandwidth=5M\n");
    write_file("usr/lib/berth/berth.conf.d/50-a.conf", "[Transfer]\nParallelLayers=9\n");
    write_file("etc/berth/berth.conf.d/50-a.conf", "[Transfer]\nParallelLayers=3\n");
    write_file("run/berth/berth.conf.d/60-b.conf", "[Registry r.example:5000]\nMirror=m1;m2/x\n");
    g_autoptr(BerthSettings) settings = berth_settings_load(root);

    g_assert_cmpuint(settings->parallel_layers, ==, 3);
    g_assert_cmpuint(settings->bytes_per_second, ==, 5 * 1024 * 1024);
    g_assert_cmpuint(settings->registries->len, ==, 1);
    const BerthRegistry *registry = settings->registries->pdata[0];
    g_assert_cmpstr(registry->host, ==, "r.example:5000");
    g_assert_cmpstr(registry->mirrors[1], ==, "m2/x");
}

static void test_invalid_settings_are_ignored(void) {
    write_file("etc/berth/berth.conf.d/70-c.conf",
               "stray=1\n[Transfer]\nParallelObjects=0\nMaxLayerSize=-1\nnonsense\n"
               "ConnectTimeoutSec=7\n[Registry bad\nBlocked=yes\n[Registry a..b]\nBlocked=yes\n"
               "[Registry ok]\nMirror=../x;good\nInsecure=perhaps\n");
    g_autoptr(BerthSettings) settings = berth_settings_load(root);

    g_assert_cmpuint(settings->parallel_objects, >, 0);
    g_assert_cmpuint(settings->max_layer_bytes, >, 0);
    g_assert_cmpuint(settings->connect_timeout, ==, 7);
    g_assert_cmpuint(settings->registries->len, ==, 2);
    const BerthRegistry *registry = settings->registries->pdata[1];
    g_assert_cmpstr(registry->host, ==, "ok");
    g_assert_cmpuint(g_strv_length(registry->mirrors), ==, 1);
    g_assert_false(registry->insecure || registry->blocked);
}

static void test_policies_by_the_longest_prefix(void) {
    write_file("etc/berth/berth.conf.d/80-d.conf",
               "[Policy]\nRequire=reject\n[Policy r.example]\nRequire=accept\n"
               "[Policy r.example/web]\nRequire=signed\nKey=/k1;/k2\n"
               "[Policy r.example/typo]\nRequires=accept\n");
    g_autoptr(BerthSettings) settings = berth_settings_load(root);

    g_assert_cmpint(berth_settings_find_policy(settings, "x/y")->kind, ==, BERTH_POLICY_REJECT);
    g_assert_cmpint(berth_settings_find_policy(settings, "r.example/a")->kind, ==,
                    BERTH_POLICY_ACCEPT);
    g_assert_cmpint(berth_settings_find_policy(settings, "r.example/webby")->kind, ==,
                    BERTH_POLICY_ACCEPT);
    const BerthPolicy *policy = berth_settings_find_policy(settings, "r.example/web/app");
    g_assert_cmpint(policy->kind, ==, BERTH_POLICY_SIGNED);
    g_assert_cmpuint(g_strv_length(policy->keys), ==, 2);
    g_assert_cmpint(berth_settings_find_policy(settings, "r.example/typo/x")->kind, ==,
                    BERTH_POLICY_REJECT);
}

static void test_a_host_has_one_policy_however_it_is_spelt(void) {
    static const char *const spellings[] = {"bad.example/a", "BAD.example/a", "bad.example:443/a",
                                            "Bad.Example.:0443/a"};
    write_file("etc/berth/berth.conf.d/85-h.conf",
               "[Policy]\nRequire=accept\n[Policy Bad.example]\nRequire=reject\n"
               "[Policy bad.example/Web]\nRequire=accept\n"
               "[Registry BAD.example:443]\nBlocked=yes\n[Registry bad.example]\nInsecure=yes\n");
    g_autoptr(BerthSettings) settings = berth_settings_load(root);

    for (size_t i = 0; i < G_N_ELEMENTS(spellings); i++)
        g_assert_cmpint(berth_settings_find_policy(settings, spellings[i])->kind, ==,
                        BERTH_POLICY_REJECT);
    /* Paths are case-sensitive. */
    g_assert_cmpint(berth_settings_find_policy(settings, "BAD.example/Web/a")->kind, ==,
                    BERTH_POLICY_ACCEPT);
    g_assert_cmpint(berth_settings_find_policy(settings, "bad.example/web/a")->kind, ==,
                    BERTH_POLICY_REJECT);
    const BerthRegistry *registry = settings->registries->pdata[settings->registries->len - 1];
    g_assert_cmpstr(registry->host, ==, "bad.example");
    g_assert_true(registry->insecure && registry->blocked);
}

static void test_limits_and_defaults(void) {
    write_file("etc/berth/berth.conf.d/90-e.conf",
               "[Limits]\nCopies=3\nDisk=2G\nContainers=infinity\nLeases=0\nNothing=1\n"
               "[Defaults]\nMemoryMax=64M\nTasksMax=20\nUserMemoryMax=infinity\n");
    g_autoptr(BerthSettings) settings = berth_settings_load(root);

    g_assert_cmpuint(settings->limits[BERTH_RESOURCE_COPIES], ==, 3);
    g_assert_cmpuint(settings->limits[BERTH_RESOURCE_DISK], ==, 2ull << 30);
    g_assert_cmpuint(settings->limits[BERTH_RESOURCE_CONTAINERS], ==, UINT64_MAX);
    g_assert_cmpuint(settings->limits[BERTH_RESOURCE_LEASES], ==, 0);
    g_assert_cmpuint(settings->default_memory_max, ==, 64 * 1024 * 1024);
    g_assert_cmpuint(settings->default_tasks_max, ==, 20);
    g_assert_cmpuint(settings->user_memory_max, ==, UINT64_MAX);
    g_assert_cmpuint(settings->user_tasks_max, ==, 4096);
    berth_settings_apply_limits(settings);
    g_assert_cmpuint(berth_charge_get_limit(BERTH_RESOURCE_COPIES), ==, 3);
    g_assert_cmpuint(berth_charge_get_limit(BERTH_RESOURCE_LEASES), ==, 1000);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    root = g_dir_make_tmp("berth-settings-XXXXXX", NULL);
    g_test_add_func("/settings/defaults-without-files", test_defaults_without_files);
    g_test_add_func("/settings/drop-ins-by-name-the-last-directory-wins",
                    test_drop_ins_by_name_the_last_directory_wins);
    g_test_add_func("/settings/invalid-settings-are-ignored", test_invalid_settings_are_ignored);
    g_test_add_func("/settings/policies-by-the-longest-prefix",
                    test_policies_by_the_longest_prefix);
    g_test_add_func("/settings/a-host-has-one-policy-however-it-is-spelt",
                    test_a_host_has_one_policy_however_it_is_spelt);
    g_test_add_func("/settings/limits-and-defaults", test_limits_and_defaults);
    int status = g_test_run();
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", root);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_free(root);
    return status;
}
