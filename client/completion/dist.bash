# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of dist for bash: dist itself says what may follow.

_dist() {
    local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n' word head candidate
    word=${line##*[[:space:]]}
    # bash goes on from the last of its word breaks, which references and options have in them.
    head=${word%"${word##*[:=]}"}
    COMPREPLY=()
    for candidate in $(dist shell-completion --line="$line" 2>/dev/null); do
        COMPREPLY+=("${candidate#"$head"}")
    done
    [[ ${COMPREPLY[*]} != *: && ${COMPREPLY[*]} != *= ]] || compopt -o nospace
}
complete -o default -F _dist dist
