/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Container configurations made from images and options, and the names of the privileges that they
 * need.
 */

#include "base/host-mount.h"
#include "base/signals.h"
#include "containers/spec/capabilities.h"
#include "containers/spec/owned-mounts.h"
#include "containers/spec/privilege-names.h"
#include "containers/spec/privileges.h"
#include "containers/spec/spec.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

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
        .files = "/d",
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

/* Options that reserve a resource, raise a limit or protect from the OOM killer need a privilege;
 * those that only limit need none. */
static void test_limits_and_parameters_have_names(void) {
    char *raised[] = {(char *)"nice", (char *)"1:infinity", (char *)"core", (char *)"0", NULL};
    char *sysctls[] = {(char *)"net/ipv4/ip_forward", (char *)"1",
                       (char *)"net.ipv4.ping_group_range", (char *)"0 1", NULL};
    char *paths[] = {(char *)"/proc/kcore", NULL};
    g_autoptr(BerthCreateOptions) options = berth_create_options_new(1000);
    const struct rlimit none = {0, 0};

    options->slice = g_strdup("berth-user-1000.slice");
    g_assert_null(berth_privileges_of_container(options));
    options->other_limits = g_variant_dict_new(NULL);
    g_variant_dict_insert(options->other_limits, "MemoryLow", "t", (guint64)1);
    g_variant_dict_insert(options->other_limits, "MemoryHigh", "t", (guint64)1);
    berth_create_options_set_properties(options);
    options->oom_score = -1;
    options->resource_limits = g_strdupv(raised);
    options->sysctls = g_strdupv(sysctls);
    options->masked = g_strdupv(paths);
    g_assert_cmpint(setrlimit(RLIMIT_NICE, &none), ==, 0);
    g_autofree char *names = berth_privileges_of_container(options);
    g_assert_cmpstr(names, ==,
                    "limit:RLIMIT_NICE oom-score property:MemoryLow sysctl:net/ipv4/ip_forward");
    options->unmasked = g_strdupv(paths);
    options->apparmor = g_strdup("mine");
    g_autofree char *more = berth_privileges_of_container(options);
    g_assert_cmpstr(more, ==,
                    "label:mine limit:RLIMIT_NICE oom-score property:MemoryLow "
                    "sysctl:net/ipv4/ip_forward unmasked");
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
    options->owner = 1000;
    g_assert_true(parse_choice(options, "UserNamespace", "keep-id:gid=100"));
    g_assert_cmpint(options->user_namespace, ==, BERTH_USER_NAMESPACE_AUTO);
    g_assert_true(options->kept_id.given);
    g_assert_cmpuint(options->kept_id.uid, ==, 1000);
    g_assert_cmpuint(options->kept_id.gid, ==, 100);
    static const char *const bad[] = {
        "keep-id:uid=", "keep-id:uid=65536", "keep-id:uid=-1",  "keep-id,uid=1",
        "keep-ids",     "keep-id:size=10",   "keep-id:uid=1,,", NULL};
    for (const char *const *text = bad; *text; text++)
        g_assert_false(parse_choice(options, "UserNamespace", *text));
    options->owner = 65536;
    g_assert_false(parse_choice(options, "UserNamespace", "keep-id"));
    options->owner = 0;
    g_assert_false(parse_choice(options, "UserNamespace", "keep-id"));
    g_assert_false(parse_choice(options, "Seccomp", ""));
    g_assert_false(parse_choice(options, "Restart", "sometimes"));
}

/* The service connects to the socket as root. */
static void test_the_listener_of_a_filter_has_a_name(void) {
    static const struct {
        const char *profile, *names;
    } cases[] = {
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "seccomp"},
        {"{\"listenerPath\":\"/run/a b\"}", "seccomp seccomp-listener:/run/a\\x20b"},
        {"{\"listenerPath\":1}", "seccomp"},
        {"{", "seccomp"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const BerthCreateOptions options = {
            .root_directory = -1,
            .owner = 1000,
            .seccomp = BERTH_SECCOMP_PROFILE,
            .seccomp_profile = cases[i].profile,
        };
        g_autofree char *names = berth_privileges_of_container(&options);
        g_assert_cmpstr(names, ==, cases[i].names);
    }
}

/* A configuration needs the same privileges as options of Create with the same effect. */
static void test_a_spec_has_the_same_names(void) {
    BerthCreateOptions options = {
        .root_directory = -1,
        .spec = "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
                "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"user\":{\"uid\":0,\"gid\":0},"
                "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_SYS_ADMIN\"]}},"
                "\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/srv/a b\","
                "\"options\":[\"rbind\"]}],"
                "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]}}"};

    g_assert_true(berth_create_options_parse_spec(&options, NULL));
    g_autofree char *names = berth_privileges_of_container(&options);
    g_clear_pointer(&options.plan, berth_plan_free);
    g_assert_cmpstr(
        names, ==,
        "all-devices bind:/srv/a\\x20b capability:CAP_SYS_ADMIN host-cgroup host-ipc host-network "
        "host-users host-uts new-privileges seccomp spec unmasked");
}

/* Everything in a configuration that affects the machine needs a privilege. The annotation that
 * marks the default filter has no effect here: it is reserved for Berth, and is removed. */
static void test_every_weakening_part_of_a_spec_has_a_name(void) {
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
        BerthCreateOptions options = {.root_directory = -1, .spec = spec};
        g_assert_true(berth_create_options_parse_spec(&options, NULL));
        g_autofree char *names = berth_privileges_of_container(&options);
        g_clear_pointer(&options.plan, berth_plan_free);
        g_autofree char *padded = g_strdup_printf(" %s ", names);
        g_autofree char *word = g_strdup_printf(" %s ", cases[i].name);
        if (!strstr(padded, word))
            g_error("\"%s\" is not among \"%s\"", cases[i].name, names);
    }
}

/* Returns a configuration as "runc spec" writes it for a container with a user namespace, with
 * additional members, which replace earlier ones of the same name. */
static char *format_plain(const char *process, const char *mounts, const char *of_linux,
                          const char *rest) {
    return g_strdup_printf(
        "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
        "\"hostname\":\"runc\",\"process\":{\"terminal\":true,\"cwd\":\"/\",\"args\":[\"sh\"],"
        "\"env\":[\"PATH=/bin\"],\"user\":{\"uid\":0,\"gid\":0},\"noNewPrivileges\":true,"
        "\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],"
        "\"permitted\":[\"CAP_KILL\"]},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,"
        "\"soft\":1024}]%s},"
        "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
        "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"nosuid\","
        "\"strictatime\",\"mode=755\",\"size=65536k\"]},{\"destination\":\"/dev/pts\",\"type\":"
        "\"devpts\",\"source\":\"devpts\",\"options\":[\"nosuid\",\"noexec\",\"newinstance\","
        "\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]},{\"destination\":\"/dev/mqueue\",\"type\":"
        "\"mqueue\",\"source\":\"mqueue\"},{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":"
        "\"sysfs\",\"options\":[\"ro\"]},{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\","
        "\"source\":\"cgroup\",\"options\":[\"relatime\",\"ro\"]}%s],"
        "\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},"
        "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
        "{\"type\":\"uts\"},{\"type\":\"mount\"},{\"type\":\"cgroup\"},{\"type\":\"user\"}],"
        "\"maskedPaths\":[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\","
        "\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\","
        "\"/sys/firmware\",\"/proc/scsi\"],\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\","
        "\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]%s}%s}",
        process, mounts, of_linux, rest);
}

#define NAMESPACES(...) ",\"namespaces\":[{\"type\":\"mount\"}," __VA_ARGS__ "]"
#define OWN(type) "{\"type\":\"" type "\"}"
#define MOUNT(members) ",{\"destination\":\"/x\"," members "}"
#define RESOURCES(members) ",\"resources\":{\"devices\":[{\"allow\":false}]," members "}"
#define USUAL_OWN OWN("pid") "," OWN("ipc") "," OWN("uts") "," OWN("cgroup")

/* Each property of the specification, by itself, and the privileges that it needs: NULL for none;
 * "" if the configuration cannot be parsed, so that only "spec" is reported. Names that come with
 * every privilege are omitted. */
static const struct {
    const char *process, *mounts, *of_linux, *rest, *names;
} properties[] = {
    {"", "", "", "", NULL},
    /* process */
    {",\"terminal\":false", "", "", "", NULL},
    {",\"consoleSize\":{\"height\":1,\"width\":1}", "", "", "", NULL},
    {",\"user\":{\"uid\":1,\"gid\":2,\"umask\":0,\"additionalGids\":[3]}", "", "", "", NULL},
    {",\"user\":{\"username\":\"u\"}", "", "", "", NULL},
    {",\"rlimits\":[{\"type\":\"RLIMIT_NICE\",\"hard\":40,\"soft\":40}]", "", "", "",
     "limit:RLIMIT_NICE"},
    {",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"],"
     "\"inheritable\":[\"CAP_KILL\"]}",
     "", "", "", NULL},
    {",\"capabilities\":{\"bounding\":[\"CAP_NET_ADMIN\"]}", "", "", "",
     "capability:CAP_NET_ADMIN"},
    {",\"capabilities\":{\"effective\":[\"CAP_SYS_TIME\"]}", "", "", "", "capability:CAP_SYS_TIME"},
    {",\"capabilities\":{\"permitted\":[\"CAP_SYS_TIME\"]}", "", "", "", "capability:CAP_SYS_TIME"},
    {",\"capabilities\":{\"inheritable\":[\"CAP_NET_RAW\"]}", "", "", "", "capability:CAP_NET_RAW"},
    {",\"capabilities\":{\"ambient\":[\"CAP_SYS_PTRACE\"]}", "", "", "",
     "capability:CAP_SYS_PTRACE"},
    {",\"noNewPrivileges\":false", "", "", "", "new-privileges"},
    {",\"apparmorProfile\":\"a\"", "", "", "", "label:a"},
    {",\"selinuxLabel\":\"a\"", "", "", "", ""},
    {",\"oomScoreAdj\":100", "", "", "", NULL},
    {",\"oomScoreAdj\":-1", "", "", "", "oom-score"},
    {",\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":5}", "", "", "", NULL},
    {",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":-1}", "", "", "", "scheduler"},
    {",\"scheduler\":{\"policy\":\"SCHED_RR\",\"priority\":1}", "", "", "", "scheduler"},
    {",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"flags\":[\"SCHED_FLAG_UTIL_CLAMP_MIN\"]}", "",
     "", "", "scheduler"},
    {",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":0}", "", "", "", NULL},
    {",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_RT\",\"priority\":0}", "", "", "", "scheduler"},
    {",\"execCPUAffinity\":{\"initial\":\"0\"}", "", "", "", ""},
    {",\"later\":1", "", "", "", "unknown:process.later"},
    {",\"user\":{\"uid\":0,\"gid\":0,\"later\":1}", "", "", "", "unknown:process.user.later"},
    /* root, names */
    {"", "", "", ",\"root\":{\"path\":\"/\",\"readonly\":false}", NULL},
    {"", "", "", ",\"root\":{\"path\":\"/\",\"later\":1}", "unknown:root.later"},
    {"", "", "", ",\"hostname\":\"a\",\"domainname\":\"b\"", NULL},
    {"", "", "", ",\"annotations\":{\"a\":\"b\"}", NULL},
    {"", "", "", ",\"later\":{}", "unknown:later"},
    {"", "", "", ",\"vm\":{}", ""},
    /* mounts */
    {"",
     MOUNT("\"type\":\"tmpfs\",\"options\":[\"mode=700\",\"size=1k\",\"uid=1\",\"private\","
           "\"tmpcopyup\"]"),
     "", "", NULL},
    {"", MOUNT("\"type\":\"tmpfs\",\"options\":[\"mpol=bind:0\"]"), "", "",
     "mount-option:tmpfs:mpol=bind:0"},
    {"", MOUNT("\"type\":\"tmpfs\",\"options\":[\"size\"]"), "", "", "mount-option:tmpfs:size"},
    {"", MOUNT("\"type\":\"tmpfs\",\"source\":\"t\",\"options\":[\"rshared\"]"), "", "",
     "shared:t"},
    {"", MOUNT("\"type\":\"tmpfs\",\"source\":\"t\",\"options\":[\"idmap\"]"), "", "", "idmap:t"},
    {"",
     MOUNT("\"type\":\"tmpfs\",\"source\":\"t\",\"uidMappings\":[{\"containerID\":0,\"hostID\""
           ":0,\"size\":1}],\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]"),
     "", "", "idmap:t"},
    {"", MOUNT("\"type\":\"tmpfs\",\"later\":1"), "", "", "unknown:mounts.later"},
    {"", MOUNT("\"type\":\"tmpfs\",\"options\":[\"remount\"]"), "", "", ""},
    {"", ",{\"destination\":\"/\",\"type\":\"tmpfs\"}", "", "", "mount-at:/"},
    {"", ",{\"destination\":\"//.\",\"type\":\"tmpfs\"}", "", "", "mount-at://."},
    {"", ",{\"destination\":\"x\",\"type\":\"tmpfs\"}", "", "", "mount-at:x"},
    {"", MOUNT("\"type\":\"proc\""), "", "", "unmasked"},
    {"", MOUNT("\"type\":\"sysfs\""), "", "", "unmasked"},
    {"", ",{\"destination\":\"/proc\",\"type\":\"proc\",\"options\":[\"hidepid=2\"]}", "", "",
     NULL},
    {"", ",{\"destination\":\"/proc\",\"type\":\"proc\",\"options\":[\"gid=4\"]}", "", "",
     "mount-option:proc:gid=4"},
    {"", MOUNT("\"type\":\"cgroup2\""), "", "", NULL},
    {"", MOUNT("\"type\":\"cgroup2\",\"options\":[\"nsdelegate\"]"), "", "",
     "mount-option:cgroup2:nsdelegate"},
    {"", MOUNT("\"type\":\"cgroup\",\"options\":[\"release_agent=/x\"]"), "", "",
     "mount-option:cgroup:release_agent=/x"},
    {"", MOUNT("\"type\":\"devpts\",\"options\":[\"max=1\"]"), "", "", "mount-option:devpts:max=1"},
    {"", MOUNT("\"type\":\"overlay\",\"source\":\"o\",\"options\":[\"lowerdir=/etc\"]"), "", "",
     "mount:overlay:o"},
    {"", MOUNT("\"type\":\"ext4\",\"source\":\"/dev/sda\""), "", "", "mount:ext4:/dev/sda"},
    {"", MOUNT("\"type\":\"bind\",\"source\":\"/etc\""), "", "", "bind:/etc"},
    {"", MOUNT("\"type\":\"none\",\"source\":\"/etc\",\"options\":[\"rbind\",\"ro\"]"), "", "",
     "bind:/etc"},
    {"", MOUNT("\"type\":\"tmpfs\",\"source\":\"/etc\",\"options\":[\"x-berth.volume\"]"), "", "",
     "bind:/etc"},
    /* linux */
    {"", "", NAMESPACES(USUAL_OWN "," OWN("network")), "", "host-users"},
    {"", "", NAMESPACES(USUAL_OWN "," OWN("user")), "", "host-network"},
    {"", "", NAMESPACES(USUAL_OWN "," OWN("user") ",{\"type\":\"network\",\"path\":\"/n\"}"), "",
     "namespace:/n"},
    {"", "", NAMESPACES(USUAL_OWN "," OWN("network") ",{\"type\":\"user\",\"path\":\"/n\"}"), "",
     "namespace:/n"},
    {"", "",
     NAMESPACES(OWN("network") "," OWN("user") "," OWN("ipc") "," OWN("uts") "," OWN("pid")), "",
     "host-cgroup"},
    {"", "",
     NAMESPACES(OWN("network") "," OWN("user") "," OWN("ipc") "," OWN("uts") "," OWN("cgroup")), "",
     "host-pid"},
    {"", "",
     NAMESPACES(OWN("network") "," OWN("user") "," OWN("pid") "," OWN("uts") "," OWN("cgroup")), "",
     "host-ipc"},
    {"", "",
     NAMESPACES(USUAL_OWN "," OWN("network") "," OWN("user") "," OWN(
         "time")) ",\"timeOffsets\":{\"boottime\":{\"secs\":1}}",
     "", NULL},
    {"", "",
     NAMESPACES(USUAL_OWN
                "," OWN("network") "," OWN("user") ",{\"type\":\"time\",\"path\":\"/n\"}"),
     "", "namespace:/n"},
    {"", "",
     ",\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}],"
     "\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]",
     "", "host-gids:1000-1000 host-uids:1000-1000"},
    {"", "", ",\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]", "", ""},
    {"", "", ",\"devices\":[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,\"minor\":3}]", "",
     NULL},
    {"", "", ",\"devices\":[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,\"minor\":1}]", "",
     "device:/dev/char/1:1"},
    {"", "", ",\"devices\":[{\"path\":\"/x\",\"type\":\"b\",\"major\":1,\"minor\":3}]", "",
     "device:/dev/block/1:3"},
    {"", "", ",\"devices\":[{\"path\":\"/dev/x/../null\",\"type\":\"c\",\"major\":1,\"minor\":1}]",
     "", ""},
    {"", "", ",\"devices\":[{\"path\":\"/dev//tty\",\"type\":\"c\",\"major\":5,\"minor\":0}]", "",
     "device:/dev/tty"},
    {"", "", ",\"devices\":[{\"path\":\"/dev/p\",\"type\":\"p\"}]", "", "device:/dev/p"},
    {"", "", ",\"cgroupsPath\":\"system.slice:berth:x\"", "", "slice:system.slice"},
    {"", "", ",\"cgroupsPath\":\"/x\"", "", ""},
    {"", "", ",\"resources\":{}", "", "all-devices"},
    {"", "",
     RESOURCES("\"memory\":{\"limit\":1000},\"cpu\":{\"shares\":5,\"quota\":5,\"cpus\":"
               "\"0\"},\"pids\":{\"limit\":5}"),
     "", NULL},
    {"", "", RESOURCES("\"memory\":{\"reservation\":5}"), "", "property:MemoryLow"},
    {"", "", RESOURCES("\"unified\":{\"memory.min\":\"5\"}"), "", "property:MemoryMin"},
    {"", "", RESOURCES("\"unified\":{\"memory.oom.group\":\"1\"}"), "",
     "property:memory.oom.group"},
    {"", "", RESOURCES("\"later\":{}"), "", "unknown:linux.resources.later"},
    {"", "",
     ",\"resources\":{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":1,"
     "\"minor\":3,\"access\":\"rw\"}]}",
     "", NULL},
    {"", "",
     ",\"resources\":{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"b\",\"access\":"
     "\"rw\"}]}",
     "", "device-rule:block-*\\x20rw"},
    {"", "", ",\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}", "", "sysctl:net.ipv4.ip_forward"},
    {"", "", ",\"sysctl\":{\"net.ipv4.ping_group_range\":\"0 1\"}", "", NULL},
    {"", "",
     NAMESPACES(USUAL_OWN
                "," OWN("user") ",{\"type\":\"network\",\"path\":\"/n\"}") ",\"sysctl\":{"
                                                                           "\"net.ipv4.ping_group_"
                                                                           "range\":\"0 1\"}",
     "", "namespace:/n sysctl:net.ipv4.ping_group_range"},
    {"", "", ",\"sysctl\":{\"vm.swappiness\":\"1\"}", "", ""},
    {"", "", ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "", "seccomp"},
    {"", "", ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/run//l\"}", "",
     "seccomp-listener:/run/l"},
    {"", "", ",\"rootfsPropagation\":\"private\"", "", NULL},
    {"", "", ",\"rootfsPropagation\":\"rslave\"", "", "root-propagation"},
    {"", "", ",\"rootfsPropagation\":\"shared\"", "", "root-propagation"},
    {"", "", ",\"maskedPaths\":[\"/proc/kcore\"]", "", "unmasked"},
    {"", "", ",\"readonlyPaths\":[]", "", "unmasked"},
    {"", "", ",\"mountLabel\":\"a\"", "", ""},
    {"", "", ",\"intelRdt\":{}", "", ""},
    {"", "", ",\"personality\":{\"domain\":\"LINUX32\"}", "", NULL},
    {"", "", ",\"later\":1", "", "unknown:linux.later"},
    /* hooks */
    {"", "", "", ",\"hooks\":{\"startContainer\":[{\"path\":\"/h\"}]}", NULL},
    {"", "", "", ",\"hooks\":{\"startContainer\":[{\"path\":\"/h\",\"later\":1}]}",
     "unknown:hooks.startContainer.later"},
    {"", "", "", ",\"hooks\":{\"prestart\":[{\"path\":\"/h\"}]}", "hook:/h"},
    {"", "", "", ",\"hooks\":{\"createRuntime\":[{\"path\":\"/h\"}]}", "hook:/h"},
    {"", "", "", ",\"hooks\":{\"createContainer\":[{\"path\":\"/h\"}]}", "hook:/h"},
    {"", "", "", ",\"hooks\":{\"poststart\":[{\"path\":\"/h\"}]}", "hook:/h"},
    {"", "", "", ",\"hooks\":{\"poststop\":[{\"path\":\"/h\"}]}", "hook:/h"},
};

/* Omits the names that every configuration that needs a privilege has. */
static char *list_without_usual(const char *names, const char *expected) {
    static const char *const usual[] = {"seccomp", "spec", "unmasked", NULL};
    g_auto(GStrv) all = g_strsplit(names, " ", -1);
    g_autoptr(GPtrArray) left = g_ptr_array_new();

    for (char **name = all; *name; name++)
        if (!g_strv_contains(usual, *name) || g_str_equal(*name, expected))
            g_ptr_array_add(left, *name);
    g_ptr_array_add(left, NULL);
    return g_strjoinv(" ", (char **)left->pdata);
}

static double name_unknown_members(unsigned count) {
    g_autoptr(GString) members = g_string_new(NULL);

    for (unsigned i = 0; i < count; i++)
        g_string_append_printf(members, "\"%x\":0,", i);
    g_autofree char *spec = g_strdup_printf(
        "{%s\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
        "\"hooks\":{\"poststop\":[{\"path\":\"/h\"},{\"path\":\"/h\"}]},"
        "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"user\":{\"uid\":0,\"gid\":0}},"
        "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}",
        members->str);
    BerthCreateOptions options = {.root_directory = -1, .spec = spec};
    clock_t started = clock();

    g_assert_true(berth_create_options_parse_spec(&options, NULL));
    g_autofree char *names = berth_privileges_of_container(&options);
    double used = (double)(clock() - started);
    g_assert_nonnull(strstr(names, " unknown:0 unknown:1 unknown:10 "));
    const char *hook = strstr(names, " hook:/h ");
    g_assert_nonnull(hook);
    g_assert_null(strstr(hook + 1, " hook:/h "));
    g_clear_pointer(&options.plan, berth_plan_free);
    return used;
}

/* A caller without any permission can send them. Eight times as many take 8 times as long, or 64
 * times if each is compared with all others. */
static void test_the_time_to_name_privileges_grows_with_their_number(void) {
    double few = name_unknown_members(5600);

    g_assert_cmpfloat(name_unknown_members(45000), <, 24 * few);
}

static void test_each_weakening_property_needs_its_privilege(void) {
    for (size_t i = 0; i < G_N_ELEMENTS(properties); i++) {
        g_autofree char *spec = format_plain(properties[i].process, properties[i].mounts,
                                             properties[i].of_linux, properties[i].rest);
        BerthCreateOptions options = {.root_directory = -1, .owner = 1000, .spec = spec};
        const char *expected = properties[i].names;
        /* Some cannot be parsed; their privileges are determined all the same. */
        (void)berth_create_options_parse_spec(&options, NULL);
        g_autofree char *names = berth_privileges_of_container(&options);
        g_clear_pointer(&options.plan, berth_plan_free);
        g_test_message("%zu: %s%s%s%s", i, properties[i].process, properties[i].mounts,
                       properties[i].of_linux, properties[i].rest);
        g_assert_true((names != NULL) == (expected != NULL));
        if (!names)
            continue;
        g_autofree char *left = list_without_usual(names, expected);
        g_assert_cmpstr(left, ==, expected);
        if (expected[0] == '\0')
            g_assert_cmpstr(names, ==, "spec");
        else
            g_assert_nonnull(strstr(names, "spec"));
    }
}

/* A configuration that needs no privilege gets the parts of Create's isolation that it lacks, such
 * as the default filter. One that needs a privilege does not get them. */
static void test_a_plain_spec_is_completed(void) {
    char *chain[] = {(char *)"top", NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *spec = format_plain("", "", "", "");
    const BerthSpecCompletion plain = {.chain = chain, .ids = 524288, .plain = true};
    g_autofree char *whole = berth_spec_complete(spec, &plain, &error);
    g_assert_no_error(error);
    g_autoptr(BerthPlan) plan = berth_plan_parse(whole, strlen(whole), &error);

    g_assert_no_error(error);
    g_assert_false(plan->needs_ids);
    g_assert_cmpuint(g_array_index(plan->uid_ranges, BerthPlanRange, 0).outside, ==, 524288);
    g_assert_cmpuint(g_array_index(plan->gid_ranges, BerthPlanRange, 0).count, ==, 65536);
    g_assert_cmpstr(plan->seccomp, ==, "default");
    g_assert_true(berth_spec_hides_as_default(plan));
    const BerthSpecCompletion weak = {.chain = chain};
    g_autofree char *same = berth_spec_complete(spec, &weak, &error);
    g_autoptr(BerthPlan) weak_plan = berth_plan_parse(same, strlen(same), &error);
    g_assert_null(weak_plan->seccomp);
    g_assert_false(berth_spec_hides_as_default(weak_plan));
}

/* Exec needs privileges for the capabilities of its options and for those of its process object,
 * whether or not the object has a command. */
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

static void test_separators_in_names_are_escaped(void) {
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

static bool kernel_is_6_1(unsigned major, unsigned minor) {
    return major < 6 || (major == 6 && minor <= 1);
}

static bool kernel_is_6_12(unsigned major, unsigned minor) {
    return major < 6 || (major == 6 && minor <= 12);
}

/* A bind mount of the caller's own files needs no privilege if the file system supports the mapping
 * of ids. */
static void test_mounts_that_support_id_mapping_are_found(void) {
    static const struct {
        const char *line;
        bool old_kernel, new_kernel;
    } cases[] = {
        {"29 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw", true, true},
        {"29 1 0:30 / /srv rw - tmpfs tmpfs rw", false, true},
        {"29 1 0:31 /a /home/a rw,nosuid,idmapped shared:9 master:2 - btrfs /dev/vda rw", false,
         false},
        {"29 1 0:32 / / rw - overlay overlay rw", false, false},
        {"29 1 0:33 / /mnt rw - fuse.sshfs ext4 rw", false, false},
        {"29 1 0:34 / /mnt rw - nfs4 server:/ext4 rw", false, false},
        {"29 1 0:35 / /mnt\\040-\\040ext4 rw - proc proc rw", false, false},
        {"29 1 0:36 / / rw -", false, false},
        {"", false, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].line);
        g_assert_true(berth_host_mount_parse(cases[i].line, kernel_is_6_1) == cases[i].old_kernel);
        g_assert_true(berth_host_mount_parse(cases[i].line, kernel_is_6_12) == cases[i].new_kernel);
    }
    g_assert_false(berth_host_mount_exists(UINT64_MAX));
    g_assert_false(berth_host_mount_takes_ids(0));
}

/* Options that a bind mount of the caller's own files may have without a privilege: word states
 * whether Create accepts the option, parsed whether a configuration may have it. */
static void test_options_of_owned_mounts_only_restrict(void) {
    static const struct {
        const char *option;
        bool word, parsed;
    } cases[] = {
        {"bind", true, true},
        {"defaults", true, true},
        {"ro", true, true},
        {"rro", true, true},
        {"rw", true, true},
        {"rrw", false, true},
        {"nosuid", true, true},
        {"rnosuid", true, true},
        {"nodev", true, true},
        {"rnodev", true, true},
        {"noexec", true, true},
        {"rnoexec", true, true},
        {"nosymfollow", true, true},
        {"rnosymfollow", false, true},
        {"private", true, true},
        {"rprivate", true, true},
        {"async", false, true},
        {"nocopy", false, true},
        {"suid", false, false},
        {"rsuid", false, false},
        {"dev", false, false},
        {"exec", false, false},
        {"rexec", false, false},
        {"symfollow", false, false},
        {"noatime", false, false},
        {"relatime", false, false},
        {"strictatime", false, false},
        {"nodiratime", false, false},
        {"diratime", false, false},
        {"rbind", false, false},
        {"slave", false, false},
        {"rslave", false, false},
        {"shared", false, false},
        {"rshared", false, false},
        {"unbindable", false, false},
        {"runbindable", false, false},
        {"idmap", false, false},
        {"ridmap", false, false},
        {"tmpcopyup", false, false},
        {"x-berth.inode=1:2", false, false},
        {"x-berth.owner=0", false, false},
        {"x-berth.owned=0", false, false},
        {"x-berth.stands=5:0", false, false},
        {"x-berth.stands=0:5", false, false},
        {"x-berth.volume", false, false},
        {"x-berth.fill", false, false},
        {"x-berth.pod", false, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *words[] = {(char *)"bind", (char *)cases[i].option, NULL};
        g_autoptr(GPtrArray) data = g_ptr_array_new();
        BerthPlanMount mount = {.kind = BERTH_MOUNT_BIND, .data = data};

        g_test_message("%s", cases[i].option);
        g_assert_cmpint(berth_owned_mount_allows_options(words), ==, cases[i].word);
        g_assert_true(berth_plan_mount_option(&mount, cases[i].option));
        g_assert_cmpint(berth_owned_mount_allows(&mount), ==, cases[i].parsed);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/spec/image-and-options-are-joined", test_image_and_options_are_joined);
    g_test_add_func("/spec/options-of-owned-mounts-only-restrict",
                    test_options_of_owned_mounts_only_restrict);
    g_test_add_func("/spec/weaker-options-have-names", test_weaker_options_have_names);
    g_test_add_func("/spec/limits-and-parameters-have-names",
                    test_limits_and_parameters_have_names);
    g_test_add_func("/spec/choices-are-parsed-or-refused", test_choices_are_parsed_or_refused);
    g_test_add_func("/spec/a-spec-has-the-same-names", test_a_spec_has_the_same_names);
    g_test_add_func("/spec/every-weakening-part-of-a-spec-has-a-name",
                    test_every_weakening_part_of_a_spec_has_a_name);
    g_test_add_func("/spec/the-time-to-name-privileges-grows-with-their-number",
                    test_the_time_to_name_privileges_grows_with_their_number);
    g_test_add_func("/spec/the-listener-of-a-filter-has-a-name",
                    test_the_listener_of_a_filter_has_a_name);
    g_test_add_func("/spec/each-weakening-property-needs-its-privilege",
                    test_each_weakening_property_needs_its_privilege);
    g_test_add_func("/spec/a-plain-spec-is-completed", test_a_plain_spec_is_completed);
    g_test_add_func("/spec/an-exec-has-the-same-names", test_an_exec_has_the_same_names);
    g_test_add_func("/spec/separators-in-names-are-escaped", test_separators_in_names_are_escaped);
    g_test_add_func("/spec/capabilities", test_capabilities);
    g_test_add_func("/spec/unknown-capabilities-are-errors", test_unknown_capabilities_are_errors);
    g_test_add_func("/spec/a-relative-directory-is-refused", test_a_relative_directory_is_refused);
    g_test_add_func("/spec/signals", test_signals);
    g_test_add_func("/spec/mounts-that-support-id-mapping-are-found",
                    test_mounts_that_support_id_mapping_are_found);
    return g_test_run();
}
