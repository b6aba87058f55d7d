/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads a set-up. Nothing that it refers to is used before it was checked to be within the file,
 * aligned, and, for texts and lists, terminated. The file is berthd's own and sealed; it is checked
 * nevertheless, so that a corrupt one fails the launch and nothing else.
 */

#include "bare/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { ALIGNMENT = 8 };

/* One entry below for each pointer in the structures of setup.h. plan/setup-image.c writes the
 * image by these tables, and this file reads it by them; a pointer without an entry would remain an
 * offset, or an address in berthd. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(type, member)                                                                         \
    { offsetof(type, member), 0, NULL, false }
#define ARRAY(type, member, counter, layout)                                                       \
    { offsetof(type, member), offsetof(type, counter), layout, false }
#define TEXTS(type, member)                                                                        \
    { offsetof(type, member.texts), offsetof(type, member.count), &text_layout, true }
#define PAIRS(type, member) ARRAY(type, member.pairs, member.count, &pair_layout)
#define RANGES(type, member) ARRAY(type, member.ranges, member.count, &range_layout)
#define HOOKS(stage)                                                                               \
    ARRAY(BerthSetup, hooks[BERTH_HOOK_##stage].hooks, hooks[BERTH_HOOK_##stage].count,            \
          &hook_layout)
#define LAYOUT(type, references)                                                                   \
    { sizeof(type), references, COUNT(references) }

static const BerthSetupReference text_references[] = {{0, 0, NULL, false}};
static const BerthSetupLayout text_layout = LAYOUT(char *, text_references);

static const BerthSetupReference pair_references[] = {
    TEXT(BerthPair, name),
    TEXT(BerthPair, value),
};
static const BerthSetupLayout pair_layout = LAYOUT(BerthPair, pair_references);

static const BerthSetupLayout range_layout = {sizeof(BerthRange), NULL, 0};
static const BerthSetupLayout group_layout = {sizeof(gid_t), NULL, 0};
static const BerthSetupLayout instruction_layout = {sizeof(struct sock_filter), NULL, 0};

static const BerthSetupReference limit_references[] = {TEXT(BerthLimit, name)};
static const BerthSetupLayout limit_layout = LAYOUT(BerthLimit, limit_references);

static const BerthSetupReference namespace_references[] = {
    TEXT(BerthNamespace, name),
    TEXT(BerthNamespace, path),
};
static const BerthSetupLayout namespace_layout = LAYOUT(BerthNamespace, namespace_references);

static const BerthSetupReference device_references[] = {TEXT(BerthDevice, path)};
static const BerthSetupLayout device_layout = LAYOUT(BerthDevice, device_references);

static const BerthSetupReference mount_references[] = {
    TEXT(BerthMount, destination), TEXT(BerthMount, type),         TEXT(BerthMount, source),
    PAIRS(BerthMount, data),       RANGES(BerthMount, uid_ranges), RANGES(BerthMount, gid_ranges),
    TEXTS(BerthMount, layers),     TEXT(BerthMount, subpath),      TEXT(BerthMount, file_name),
};
static const BerthSetupLayout mount_layout = LAYOUT(BerthMount, mount_references);

static const BerthSetupReference hook_references[] = {
    TEXT(BerthHook, path),
    TEXTS(BerthHook, arguments),
    TEXTS(BerthHook, environment),
};
static const BerthSetupLayout hook_layout = LAYOUT(BerthHook, hook_references);

static const BerthSetupReference setup_references[] = {
    TEXT(BerthSetup, id),
    TEXT(BerthSetup, log_tag),
    TEXT(BerthSetup, user),
    ARRAY(BerthSetup, groups, group_count, &group_layout),
    TEXTS(BerthSetup, group_names),
    TEXTS(BerthSetup, arguments),
    TEXTS(BerthSetup, environment),
    TEXT(BerthSetup, working_directory),
    TEXT(BerthSetup, apparmor),
    ARRAY(BerthSetup, limits, limit_count, &limit_layout),
    ARRAY(BerthSetup, filter.instructions, filter.count, &instruction_layout),
    TEXT(BerthSetup, filter.socket),
    TEXT(BerthSetup, filter.state),
    TEXT(BerthSetup, filter_profile),
    TEXT(BerthSetup, root),
    TEXTS(BerthSetup, layers),
    ARRAY(BerthSetup, root_mount, root_mount_count, &mount_layout),
    ARRAY(BerthSetup, mounts, mount_count, &mount_layout),
    TEXT(BerthSetup, hostname),
    TEXT(BerthSetup, domainname),
    TEXT(BerthSetup, network),
    TEXT(BerthSetup, ports),
    ARRAY(BerthSetup, namespaces, namespace_count, &namespace_layout),
    RANGES(BerthSetup, uid_ranges),
    RANGES(BerthSetup, gid_ranges),
    ARRAY(BerthSetup, devices, device_count, &device_layout),
    PAIRS(BerthSetup, sysctls),
    TEXTS(BerthSetup, masked_paths),
    TEXTS(BerthSetup, read_only_paths),
    TEXT(BerthSetup, time_offsets),
    PAIRS(BerthSetup, cgroup_files),
    HOOKS(PRESTART),
    HOOKS(CREATE_RUNTIME),
    HOOKS(CREATE_CONTAINER),
    HOOKS(START_CONTAINER),
    HOOKS(POSTSTART),
    HOOKS(POSTSTOP),
    TEXT(BerthSetup, state),
};
const BerthSetupLayout berth_setup_layout = LAYOUT(BerthSetup, setup_references);

/* config-linux.md, "Default Devices", except /dev/console and /dev/ptmx, which are not device files
 * of their own here. The numbers are those in the kernel's devices.txt. */
const BerthDevice berth_default_devices[] = {
    {.path = "/dev/null", .type = S_IFCHR, .major = 1, .minor = 3, .mode = 0666},
    {.path = "/dev/zero", .type = S_IFCHR, .major = 1, .minor = 5, .mode = 0666},
    {.path = "/dev/full", .type = S_IFCHR, .major = 1, .minor = 7, .mode = 0666},
    {.path = "/dev/random", .type = S_IFCHR, .major = 1, .minor = 8, .mode = 0666},
    {.path = "/dev/urandom", .type = S_IFCHR, .major = 1, .minor = 9, .mode = 0666},
    {.path = "/dev/tty", .type = S_IFCHR, .major = 5, .minor = 0, .mode = 0666},
    {.path = NULL},
};

static bool relocate_reference(char *image, size_t size, char *structure,
                               const BerthSetupLayout *layout);

/* A corrupt file may refer to one list twice. The second visit then finds pointers instead of
 * offsets; these are larger than any size, so it fails, and the recursion ends. */
static bool relocate_array(char *image, size_t size, uintptr_t offset, uint32_t count,
                           const BerthSetupReference *reference) {
    const BerthSetupLayout *element = reference->element;
    size_t room = (size - offset) / element->size;

    if (offset % ALIGNMENT != 0 || count >= room + (reference->ends_with_null ? 0 : 1))
        return false;
    char *first = image + offset;
    if (reference->ends_with_null) {
        static const char none[sizeof(char *)];
        if (memcmp(first + count * element->size, none, sizeof none) != 0)
            return false;
    }
    for (uint32_t i = 0; element->reference_count > 0 && i < count; i++)
        if (!relocate_reference(image, size, first + i * element->size, element))
            return false;
    return true;
}

static bool relocate_reference(char *image, size_t size, char *structure,
                               const BerthSetupLayout *layout) {
    for (size_t i = 0; i < layout->reference_count; i++) {
        const BerthSetupReference *reference = &layout->references[i];
        uintptr_t offset;
        uint32_t count = 0;
        memcpy(&offset, structure + reference->pointer, sizeof offset);
        if (reference->element)
            memcpy(&count, structure + reference->count, sizeof count);
        if (offset == 0 && count == 0)
            continue;
        /* The very last byte is a NUL, so every text is terminated. */
        if (offset < sizeof(BerthSetup) || offset >= size ||
            (reference->element && !relocate_array(image, size, offset, count, reference)))
            return false;
        uintptr_t pointer = (uintptr_t)image + offset;
        memcpy(structure + reference->pointer, &pointer, sizeof pointer);
    }
    return true;
}

bool berth_setup_relocate(void *image, size_t size) {
    const BerthSetup *setup = image;

    return size > sizeof *setup && size <= BERTH_SETUP_MAX_BYTES &&
           setup->magic == BERTH_SETUP_MAGIC && setup->version == BERTH_SETUP_VERSION &&
           setup->size == sizeof *setup && setup->bytes == size &&
           ((const char *)image)[size - 1] == '\0' &&
           relocate_reference(image, size, image, &berth_setup_layout);
}

/* Nobody may change it while it is used, or shrink it, which would kill this process with SIGBUS.
 */
static bool is_sealed(int file) {
    const int wanted = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    int seals = fcntl(file, F_GET_SEALS);

    return seals >= 0 && (seals & wanted) == wanted;
}

const BerthSetup *berth_setup_map(int file) {
    struct stat status;

    if (fstat(file, &status) < 0)
        return NULL;
    size_t size = (size_t)status.st_size;
    if (!is_sealed(file) || size <= sizeof(BerthSetup) || size > BERTH_SETUP_MAX_BYTES) {
        errno = EINVAL;
        return NULL;
    }
    /* Private: the offsets become pointers only in this process's copy. */
    void *image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (image == MAP_FAILED)
        return NULL;
    if (!berth_setup_relocate(image, size)) {
        errno = EINVAL;
        return NULL;
    }
    /* From now on nothing may change it, not even a bug in the launcher. */
    return mprotect(image, size, PROT_READ) == 0 ? image : NULL;
}

const BerthNamespace *berth_setup_find_namespace(const BerthSetup *setup, int flag) {
    for (uint32_t i = 0; i < setup->namespace_count; i++)
        if (setup->namespaces[i].flag == flag)
            return &setup->namespaces[i];
    return NULL;
}

bool berth_setup_is_cgroup(const BerthMount *mount) {
    return !berth_mount_is_bind(mount->kind) &&
           (strcmp(mount->type, "cgroup") == 0 || strcmp(mount->type, "cgroup2") == 0);
}
