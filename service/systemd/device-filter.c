/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program of type BPF_PROG_TYPE_CGROUP_DEVICE, which the kernel runs whenever a process in the
 * cgroup creates or opens a device node (cgroup-v2.rst, "Device controller"). It returns 1 to allow
 * access. Every program on the way up to the root must allow it as well, so this one can only take
 * access away. It is assembled here: each rule is a block of instructions, and what matches no rule
 * is refused. systemd generates the same for its units (bpf-devices.c). There is no state here; the
 * cgroup keeps the program.
 */

#include "systemd/device-filter.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
    int type;         /* BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR */
    int major, minor; /* -1 for any */
    int access;       /* BPF_DEVCG_ACC_… */
} DeviceRule;

enum {
    ALL_ACCESS = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE,
    FIRST_PTS_MAJOR = 136, /* Unix98 PTY slaves have eight majors (devices.txt) */
    PTS_MAJORS = 8,
};

/* The devices that "closed" allows to every unit: null, zero, full, random, urandom, tty, ptmx. */
static const int always[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}};

static void filter_add(GArray *program, struct bpf_insn instruction) {
    g_array_append_val(program, instruction);
}

/* Register numbers: 1 is the context (struct bpf_cgroup_dev_ctx), 0 the return value. */
enum {
    RESULT = BPF_REG_0,
    TYPE = BPF_REG_2,
    ACCESS = BPF_REG_3,
    MAJOR = BPF_REG_4,
    MINOR = BPF_REG_5,
    SCRATCH = BPF_REG_6
};

#define LOAD(to, member)                                                                           \
    (struct bpf_insn) {                                                                            \
        .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = BPF_REG_1,                  \
        .off = offsetof(struct bpf_cgroup_dev_ctx, member)                                         \
    }
#define MOVE(to, from)                                                                             \
    (struct bpf_insn) {                                                                            \
        .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from)                      \
    }
#define OPERATE(operation, to, value)                                                              \
    (struct bpf_insn) {                                                                            \
        .code = BPF_ALU | (operation) | BPF_K, .dst_reg = (to), .imm = (value)                     \
    }
#define JUMP_UNLESS_EQUAL(to, value, count)                                                        \
    (struct bpf_insn) {                                                                            \
        .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = (to), .imm = (value), .off = (count)         \
    }
#define EXIT                                                                                       \
    (struct bpf_insn) {                                                                            \
        .code = BPF_JMP | BPF_EXIT                                                                 \
    }

/* access_type contains the type of the device in its lower 16 bits, and the kind of access above
 * them (linux/bpf.h, struct bpf_cgroup_dev_ctx). */
static void filter_begin(GArray *program) {
    filter_add(program, LOAD(TYPE, access_type));
    filter_add(program, MOVE(ACCESS, TYPE));
    filter_add(program, OPERATE(BPF_AND, TYPE, 0xffff));
    filter_add(program, OPERATE(BPF_RSH, ACCESS, 16));
    filter_add(program, LOAD(MAJOR, major));
    filter_add(program, LOAD(MINOR, minor));
}

/* A comparison that fails jumps to the end of the block. */
static void filter_add_rule(GArray *program, const DeviceRule *rule) {
    bool has_major = rule->major >= 0, has_minor = rule->minor >= 0;
    __s16 left = (__s16)(5 + has_major + has_minor); /* instructions after the first comparison */

    filter_add(program, JUMP_UNLESS_EQUAL(TYPE, rule->type, left));
    if (has_major)
        filter_add(program, JUMP_UNLESS_EQUAL(MAJOR, rule->major, --left));
    if (has_minor)
        filter_add(program, JUMP_UNLESS_EQUAL(MINOR, rule->minor, --left));
    filter_add(program, MOVE(SCRATCH, ACCESS));
    filter_add(program, OPERATE(BPF_AND, SCRATCH, ALL_ACCESS & ~rule->access));
    filter_add(program, JUMP_UNLESS_EQUAL(SCRATCH, 0, 2));
    filter_add(program, OPERATE(BPF_MOV, RESULT, 1));
    filter_add(program, EXIT);
}

/* Terminals in /dev/pts may be used, but not created. */
static void filter_add_standard(GArray *program) {
    for (size_t i = 0; i < G_N_ELEMENTS(always); i++) {
        const DeviceRule rule = {BPF_DEVCG_DEV_CHAR, always[i][0], always[i][1], ALL_ACCESS};
        filter_add_rule(program, &rule);
    }
    for (int i = 0; i < PTS_MAJORS; i++) {
        const DeviceRule rule = {BPF_DEVCG_DEV_CHAR, FIRST_PTS_MAJOR + i, -1,
                                 BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE};
        filter_add_rule(program, &rule);
    }
}

/* Parses "/dev/char/1:3", "char-*" or "char-1", the forms that plan/ and Create write; anything
 * else allows nothing. */
static bool filter_parse_rule(const char *name, const char *access, DeviceRule *rule) {
    bool block = g_str_has_prefix(name, "/dev/block/") || g_str_has_prefix(name, "block-");
    int end = 0;

    *rule = (DeviceRule){block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, -1, -1, 0};
    for (const char *c = access; *c; c++)
        rule->access |= *c == 'r'   ? BPF_DEVCG_ACC_READ
                        : *c == 'w' ? BPF_DEVCG_ACC_WRITE
                        : *c == 'm' ? BPF_DEVCG_ACC_MKNOD
                                    : 0;
    if (g_str_equal(name, "char-*") || g_str_equal(name, "block-*"))
        return true;
    if (sscanf(name, block ? "/dev/block/%d:%d%n" : "/dev/char/%d:%d%n", &rule->major, &rule->minor,
               &end) == 2 &&
        name[end] == '\0')
        return rule->major >= 0 && rule->minor >= 0;
    rule->minor = -1;
    return sscanf(name, block ? "block-%d%n" : "char-%d%n", &rule->major, &end) == 1 &&
           name[end] == '\0' && rule->major >= 0;
}

static int filter_load(const GArray *program) {
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = (uint64_t)(uintptr_t)program->data;
    attributes.insn_cnt = program->len;
    attributes.license = (uint64_t)(uintptr_t) "LGPL";
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
}

/* In addition to the programs of the parents: without the flag it would replace them, which the
 * kernel refuses. */
static bool filter_attach(int cgroup, int program) {
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    return syscall(SYS_bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes) == 0;
}

/* The cgroup keeps the program alive, so its descriptor is closed on return. */
bool berth_device_filter_attach(int cgroup, GVariant *properties, GError **error) {
    g_autoptr(GArray) program = g_array_new(FALSE, FALSE, sizeof(struct bpf_insn));
    g_autoptr(GVariantIter) rules = NULL;
    const char *policy, *name, *access;
    DeviceRule rule;

    if (!properties || !g_variant_lookup(properties, "DevicePolicy", "&s", &policy) ||
        !g_str_equal(policy, "closed"))
        return true;
    filter_begin(program);
    filter_add_standard(program);
    if (g_variant_lookup(properties, "DeviceAllow", "a(ss)", &rules))
        while (g_variant_iter_next(rules, "(&s&s)", &name, &access))
            if (filter_parse_rule(name, access, &rule))
                filter_add_rule(program, &rule);
    filter_add(program, OPERATE(BPF_MOV, RESULT, 0));
    filter_add(program, EXIT);
    berth_autofd int loaded = filter_load(program);
    return (loaded >= 0 && filter_attach(cgroup, loaded)) ||
           berth_error_set_errno(error, errno, "restrict the devices of the cgroup");
}
