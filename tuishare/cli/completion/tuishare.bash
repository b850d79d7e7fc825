# Completion of tuishare in bash. `tuishare completion bash` prints this.
_tuishare() {
    local line=${COMP_LINE:0:COMP_POINT} value before=
    # Bash replaces only what follows a ":" or "=" in a word; what stands before that must not be put in again.
    local typed=${line##*[[:space:]]}
    [[ $typed == *"$2" ]] && before=${typed%"$2"}
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        printf -v value %q "$value"
        COMPREPLY+=("${value#"$before"}")
    done < <(tuishare --complete "$line" 2>/dev/null)
}
complete -o default -F _tuishare tuishare
