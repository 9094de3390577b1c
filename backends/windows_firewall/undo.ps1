# ---- the engine, undoing: what a run did before it failed; the same in every script -------------
# It runs while an error or Ctrl+C is on its way: no warning may become another error.

function Test-Taken {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # What a failed change has said.
        [Parameter(Mandatory = $true)]
        [System.Management.Automation.ErrorRecord] $ErrorRecord
    )
    # Windows' error 183: somebody has made a rule of that name. Its text is translated.
    "$($ErrorRecord.CategoryInfo.Category)" -eq 'ResourceExists' -or
    "$($ErrorRecord.FullyQualifiedErrorId)" -like 'Windows System Error 183,*'
}

function Undo-Change {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    # Whether the change was made, and whether all of it, is not known: it may have failed.
    $inverse = $Change.Clone()
    $verb, $what = $Change['Kind'] -csplit '(?=Rule$|Keyword$)'
    switch ($verb) {
        'New' {
            if (-not (Test-Subject -Change $Change -Store $Store)) {
                return
            }
            $inverse['Kind'] = "Remove$what"
        }
        'Remove' {
            if (Test-Subject -Change $Change -Store $Store) {
                return
            }
            $inverse['Kind'] = "New$what"
            $inverse['Rule'] = $Change['Former']
        }
        'Set' {
            $inverse[$what] = $Change['Former']
            # It may have been removed, to be made anew.
            if (-not (Test-Subject -Change $Change -Store $Store)) {
                $inverse['Kind'] = "New$what"
            }
        }
        'Proxy' { $inverse['State'] = $Change['Former'] }
        default { $inverse['Value'] = $Change['Former'] }
    }
    Invoke-Change -Change $inverse -Store $Store
}

function Test-StillBlocked {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # Of an outbound action that could not be put back.
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    if ($Change['Value'] -ne 'Block') {
        return $false
    }
    try {
        $now = Read-Setting -Store $Store['Name'] -Rule @()
    }
    catch {
        # Nobody knows, which is not the time to take rules away.
        return $true
    }
    $now[$Change['Name']] -eq 'Block'
}

function Undo-All {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    $loud = @{ WarningAction = 'Continue' }
    Write-Warning -Message 'Not everything could be done: what this run did is undone.' @loud
    $blocked = @()
    $kept = 0
    for ($i = $Change.Count - 1; $i -ge 0; $i--) {
        $each = $Change[$i]
        # With outbound traffic blocked the rules are the only way out. Those that the run removed
        # have come back before: they were removed last.
        if ($blocked.Count -gt 0 -and $each['Kind'] -match '^(New|Set)(Rule|Keyword)$') {
            $kept++
            continue
        }
        # Of what was there before the Block, too, which is still to be put back.
        $names = @($blocked | ForEach-Object { $_['Name'] })
        if ($each['Kind'] -eq 'Memory' -and $each['Name'] -in $names) {
            continue
        }
        try {
            Undo-Change -Change $each -Store $Store
        }
        catch {
            $text = '{0} could not be put back ({1}): {2}'
            Write-Warning -Message ($text -f $each['Name'], $each['Kind'], $_) @loud
            if ($each['Kind'] -eq 'Setting' -and $each['Name'] -like 'Outbound *' -and
                (Test-StillBlocked -Change $each -Store $Store)) {
                $blocked += $each
            }
        }
    }
    foreach ($each in $blocked) {
        $text = '{0} still blocks what no rule allows: {1} changes to rules stay. To open it:'
        $text += ' Set-NetFirewallProfile -Name {2} -DefaultOutboundAction {3}'
        $name = ($each['Name'] -split ' ')[1]
        Write-Warning -Message ($text -f $each['Name'], $kept, $name, $each['Former']) @loud
    }
}
