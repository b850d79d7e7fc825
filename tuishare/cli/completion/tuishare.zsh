#compdef tuishare
# Completion of tuishare in zsh: a file _tuishare in a folder of fpath. `tuishare completion zsh` prints this.
_tuishare() {
    local value meaning
    local -a found
    while IFS=$'\t' read -r value meaning; do
        found+=("${${value//\\/\\\\}//:/\\:}:$meaning")
    done < <(tuishare --complete "${(j: :)words[1,CURRENT]}" 2>/dev/null)
    if (( $#found )); then
        _describe tuishare found
    else
        _files
    fi
}
if [[ $funcstack[1] = _tuishare ]]; then
    _tuishare "$@"
else
    compdef _tuishare tuishare
fi
