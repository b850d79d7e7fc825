# Completion of tuishare in fish. `tuishare completion fish` prints this.
function __tuishare_complete
    set -l found (tuishare --complete (commandline -cp | string collect) 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c tuishare -f -a '(__tuishare_complete)'
