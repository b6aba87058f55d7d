/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables of keys of the kinds of unit files, as in podman-systemd.unit(5), in alphabetical
 * order. There is no state. A key is an option of dist (TEXT, LIST, WORDS, FLAG), is handled by
 * code (OWN), or is refused with a reason (REFUSED). A key that is in no table is an error, since a
 * unit that ignored it might do less than its author expects.
 */

#include "generator/keys.h"

#include "generator/translate.h"

#define TEXT(name, option)                                                                         \
    { name, BERTH_KEY_TEXT, option }
#define LIST(name, option)                                                                         \
    { name, BERTH_KEY_LIST, option }
#define WORDS(name, option)                                                                        \
    { name, BERTH_KEY_WORDS, option }
#define FLAG(name, option)                                                                         \
    { name, BERTH_KEY_FLAG, option }
#define OWN(name)                                                                                  \
    { name, BERTH_KEY_OWN, NULL }
#define REFUSED(name, reason)                                                                      \
    { name, BERTH_KEY_REFUSED, reason }

#define NO_MODULES N_("Berth does not read containers.conf; see berth.conf(5)")
#define NO_REMAP N_("it is deprecated; see UserNS=")
#define NO_MAPS N_("the service assigns the ids of a user namespace")
#define NO_OTHER_PLATFORM N_("images are built for this machine")
#define NO_IMAGE N_("a volume is a directory, of the service or of the host")
#define NO_OWNER N_("the container sets the owner of a volume's files")

static const BerthKey container_keys[] = {
    WORDS("AddCapability", "cap-add"),
    OWN("AddDevice"),
    LIST("AddHost", "add-host"),
    WORDS("Annotation", "annotation"),
    OWN("AppArmor"),
    OWN("AutoUpdate"),
    OWN("CgroupsMode"),
    OWN("ContainerName"),
    REFUSED("ContainersConfModule", NO_MODULES),
    LIST("DNS", "dns"),
    LIST("DNSOption", "dns-option"),
    LIST("DNSSearch", "dns-search"),
    WORDS("DropCapability", "cap-drop"),
    TEXT("Entrypoint", "entrypoint"),
    WORDS("Environment", "env"),
    OWN("EnvironmentFile"),
    FLAG("EnvironmentHost", "env-host"),
    OWN("Exec"),
    OWN("ExitIdleTimeout"),
    LIST("ExposeHostPort", "expose"),
    WORDS("GIDMap", "gidmap"),
    OWN("GlobalArgs"),
    OWN("Group"),
    LIST("GroupAdd", "group-add"),
    TEXT("HealthCmd", "health-cmd"),
    TEXT("HealthInterval", "health-interval"),
    TEXT("HealthLogDestination", "health-log-destination"),
    TEXT("HealthMaxLogCount", "health-max-log-count"),
    TEXT("HealthMaxLogSize", "health-max-log-size"),
    TEXT("HealthOnFailure", "health-on-failure"),
    TEXT("HealthRetries", "health-retries"),
    TEXT("HealthStartPeriod", "health-start-period"),
    TEXT("HealthStartupCmd", "health-startup-cmd"),
    TEXT("HealthStartupInterval", "health-startup-interval"),
    TEXT("HealthStartupRetries", "health-startup-retries"),
    TEXT("HealthStartupSuccess", "health-startup-success"),
    TEXT("HealthStartupTimeout", "health-startup-timeout"),
    TEXT("HealthTimeout", "health-timeout"),
    TEXT("HostName", "hostname"),
    FLAG("HttpProxy", "http-proxy"),
    TEXT("IP", "ip"),
    TEXT("IP6", "ip6"),
    OWN("Image"),
    TEXT("ImageVolume", "image-volume"),
    WORDS("Label", "label"),
    OWN("LogDriver"),
    OWN("LogOpt"),
    OWN("Mask"),
    TEXT("Memory", "memory"),
    OWN("Mount"),
    OWN("Network"),
    LIST("NetworkAlias", "network-alias"),
    OWN("NoNewPrivileges"),
    OWN("Notify"),
    TEXT("PidsLimit", "pids-limit"),
    OWN("Pod"),
    OWN("PodmanArgs"),
    LIST("PublishPort", "publish"),
    TEXT("Pull", "pull"),
    FLAG("ReadOnly", "read-only"),
    FLAG("ReadOnlyTmpfs", "read-only-tmpfs"),
    OWN("ReloadCmd"),
    OWN("ReloadSignal"),
    REFUSED("RemapGid", NO_REMAP),
    REFUSED("RemapUid", NO_REMAP),
    REFUSED("RemapUidSize", NO_REMAP),
    REFUSED("RemapUsers", NO_REMAP),
    TEXT("Retry", "retry"),
    TEXT("RetryDelay", "retry-delay"),
    OWN("Rootfs"),
    FLAG("RunInit", "init"),
    TEXT("SeccompProfile", "seccomp"),
    OWN("Secret"),
    OWN("SecurityLabelDisable"),
    OWN("SecurityLabelFileType"),
    OWN("SecurityLabelLevel"),
    OWN("SecurityLabelNested"),
    OWN("SecurityLabelType"),
    OWN("ServiceName"),
    TEXT("ShmSize", "shm-size"),
    OWN("StartWithPod"),
    TEXT("StopSignal", "stop-signal"),
    TEXT("StopTimeout", "stop-timeout"),
    TEXT("SubGIDMap", "subgidname"),
    TEXT("SubUIDMap", "subuidname"),
    WORDS("Sysctl", "sysctl"),
    TEXT("Timezone", "tz"),
    LIST("Tmpfs", "tmpfs"),
    WORDS("UIDMap", "uidmap"),
    LIST("Ulimit", "ulimit"),
    TEXT("Umask", "umask"),
    OWN("Unmask"),
    OWN("User"),
    TEXT("UserNS", "userns"),
    OWN("VolatileTmp"),
    OWN("Volume"),
    TEXT("WorkingDir", "workdir"),
    {NULL},
};

/* A volume is always a directory: convert-others.c checks the keys about other kinds. */
static const BerthKey volume_keys[] = {
    REFUSED("ContainersConfModule", NO_MODULES),
    OWN("Copy"),
    OWN("Device"),
    OWN("Driver"),
    REFUSED("GID", NO_OWNER),
    OWN("GlobalArgs"),
    REFUSED("Group", NO_OWNER),
    REFUSED("Image", NO_IMAGE),
    WORDS("Label", "label"),
    OWN("Options"),
    OWN("PodmanArgs"),
    OWN("ServiceName"),
    OWN("Type"),
    REFUSED("UID", NO_OWNER),
    REFUSED("User", NO_OWNER),
    OWN("VolumeName"),
    {NULL},
};

static const BerthKey network_keys[] = {
    REFUSED("ContainersConfModule", NO_MODULES),
    REFUSED("DNS", N_("set it in the .container or .pod files")),
    FLAG("DisableDNS", "disable-dns"),
    OWN("Driver"),
    LIST("Gateway", "gateway"),
    OWN("GlobalArgs"),
    OWN("IPAMDriver"),
    REFUSED("IPRange",
            N_("addresses are assigned from the whole subnet; a container may have IP=")),
    FLAG("IPv6", "ipv6"),
    REFUSED("InterfaceName", N_("the service names the bridge")),
    FLAG("Internal", "internal"),
    WORDS("Label", "label"),
    OWN("NetworkDeleteOnStop"),
    OWN("NetworkName"),
    OWN("Options"),
    OWN("PodmanArgs"),
    OWN("ServiceName"),
    LIST("Subnet", "subnet"),
    {NULL},
};

static const BerthKey image_keys[] = {
    REFUSED("AllTags", N_("write an .image for each tag")),
    OWN("Arch"),
    OWN("AuthFile"),
    REFUSED("CertDir", N_("certificates are in the certs.d directories of the service")),
    REFUSED("ContainersConfModule", NO_MODULES),
    REFUSED("Creds", N_("every user can read a unit; use AuthFile=")),
    REFUSED("DecryptionKey", N_("encrypted images are not supported")),
    OWN("GlobalArgs"),
    OWN("Image"),
    OWN("ImageTag"),
    OWN("OS"),
    OWN("PodmanArgs"),
    OWN("Policy"),
    TEXT("Retry", "retry"),
    TEXT("RetryDelay", "retry-delay"),
    OWN("ServiceName"),
    OWN("TLSVerify"),
    OWN("Variant"),
    {NULL},
};

static const BerthKey pod_keys[] = {
    LIST("AddHost", "add-host"),
    REFUSED("ContainersConfModule", NO_MODULES),
    LIST("DNS", "dns"),
    LIST("DNSOption", "dns-option"),
    LIST("DNSSearch", "dns-search"),
    OWN("ExitPolicy"),
    REFUSED("GIDMap", NO_MAPS),
    OWN("GlobalArgs"),
    TEXT("HostName", "hostname"),
    TEXT("IP", "ip"),
    TEXT("IP6", "ip6"),
    WORDS("Label", "label"),
    OWN("Network"),
    LIST("NetworkAlias", "network-alias"),
    OWN("PodName"),
    OWN("PodmanArgs"),
    LIST("PublishPort", "publish"),
    REFUSED("RemapGid", NO_REMAP),
    REFUSED("RemapUid", NO_REMAP),
    REFUSED("RemapUidSize", NO_REMAP),
    REFUSED("RemapUsers", NO_REMAP),
    OWN("ServiceName"),
    TEXT("ShmSize", "shm-size"),
    OWN("StopTimeout"),
    REFUSED("SubGIDMap", NO_MAPS),
    REFUSED("SubUIDMap", NO_MAPS),
    REFUSED("UIDMap", NO_MAPS),
    TEXT("UserNS", "userns"),
    OWN("Volume"),
    {NULL},
};

static const BerthKey build_keys[] = {
    WORDS("Annotation", "annotation"),
    REFUSED("Arch", NO_OTHER_PLATFORM),
    OWN("AuthFile"),
    WORDS("BuildArg", "build-arg"),
    REFUSED("ContainersConfModule", NO_MODULES),
    LIST("DNS", "dns"),
    LIST("DNSOption", "dns-option"),
    LIST("DNSSearch", "dns-search"),
    WORDS("Environment", "env"),
    OWN("File"),
    FLAG("ForceRM", "force-rm"),
    OWN("GlobalArgs"),
    REFUSED("GroupAdd", N_("dist build has no such option")),
    OWN("IgnoreFile"),
    LIST("ImageTag", "tag"),
    WORDS("Label", "label"),
    OWN("Network"),
    OWN("PodmanArgs"),
    OWN("Pull"),
    TEXT("Retry", "retry"),
    TEXT("RetryDelay", "retry-delay"),
    LIST("Secret", "secret"),
    OWN("ServiceName"),
    OWN("SetWorkingDirectory"),
    FLAG("TLSVerify", "tls-verify"),
    TEXT("Target", "target"),
    REFUSED("Variant", NO_OTHER_PLATFORM),
    OWN("Volume"),
    {NULL},
};

/* NULL for plain units of systemd and for kinds that are not supported. */
const BerthKey *berth_keys_of(BerthUnitKind kind) {
    static const BerthKey *const tables[BERTH_UNIT_KINDS] = {
        [BERTH_UNIT_CONTAINER] = container_keys,
        [BERTH_UNIT_VOLUME] = volume_keys,
        [BERTH_UNIT_NETWORK] = network_keys,
        [BERTH_UNIT_IMAGE] = image_keys,
        [BERTH_UNIT_POD] = pod_keys,
        [BERTH_UNIT_BUILD] = build_keys,
    };

    return tables[kind];
}

const BerthKey *berth_key_find(BerthUnitKind kind, const char *name) {
    for (const BerthKey *key = berth_keys_of(kind); key && key->name; key++)
        if (g_str_equal(key->name, name))
            return key;
    return NULL;
}
