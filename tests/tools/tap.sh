# SPDX-License-Identifier: LGPL-2.1-or-later
# What test files in shell share that print TAP about a started machine: the file names it in the array machine.

number=0
failures=0

inside() {
    "${machine[@]}" run -- "$@"
}

# The command must succeed; otherwise, the end of its output is shown.
check() {
    local claim=$1 out
    shift
    number=$((number + 1))
    if out=$("$@" 2>&1); then
        echo "ok $number - $claim"
    else
        echo "not ok $number - $claim"
        tail -n 100 <<<"$out" | sed 's/^/# /'
        failures=$((failures + 1))
    fi
}
