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
    $text = 'Not everything could be done: what this run did is being undone.'
    Write-Warning -Message $text @loud
    # What blocks outbound traffic again comes last, and only once every way out is back.
    $closing = @($Change | Where-Object { $_['Kind'] -eq 'Setting' -and $_['Former'] -eq 'Block' })
    $closing = @($closing | ForEach-Object { $_['Name'] })
    $last = @()
    $order = @(
        for ($i = $Change.Count - 1; $i -ge 0; $i--) {
            if ($Change[$i]['Name'] -notin $closing) {
                $Change[$i]
                continue
            }
            $last += $Change[$i]
        }
    )
    $blocked = @()
    $lost = @()
    $left = @()
    foreach ($each in $order + $last) {
        $name = $each['Name']
        $text = '{0} ({1})' -f $name, $each['Kind']
        # With outbound traffic blocked the rules and the proxy are the only way out. Those that the
        # run removed have come back before: they were removed last. Nor does anything forget what
        # was there before the Block, which is still to be put back.
        $isWay = $each['Kind'] -match '^(New|Set)(Rule|Keyword)$'
        $isProxy = "$($each['Subject'])" -like 'Proxy of *'
        if (($isWay -and $blocked.Count + $lost.Count -gt 0) -or
            ($isProxy -and $blocked.Count -gt 0) -or
            ($name -in $closing -and $lost.Count -gt 0) -or
            $name -in @($blocked | ForEach-Object { $_['Name'] })) {
            $left += $text
            continue
        }
        try {
            Undo-Change -Change $each -Store $Store
        }
        catch {
            $left += $text
            Write-Warning -Message ('{0} could not be put back: {1}' -f $text, $_) @loud
            if ($each['Kind'] -eq 'Setting' -and $name -like 'Outbound *' -and
                (Test-StillBlocked -Change $each -Store $Store)) {
                $blocked += $each
            }
            elseif ($each['Kind'] -in @('RemoveRule', 'SetRule') -and
                $each['Former']['Direction'] -eq 'Outbound' -and
                "$($each['Former']['Action'])" -ne 'Block') {
                $lost += $name
            }
        }
    }
    foreach ($each in $blocked) {
        $text = '{0} still blocks what no rule allows. To open it: Set-NetFirewallProfile -Name {1}'
        $text += ' -DefaultOutboundAction Allow'
        Write-Warning -Message ($text -f $each['Name'], ($each['Name'] -split ' ')[1]) @loud
    }
    if ($lost.Count -gt 0) {
        foreach ($name in @($closing | Sort-Object)) {
            $text = '{0} stays open because rule {1} is missing: run Apply.'
            Write-Warning -Message ($text -f $name, ($lost -join ', ')) @loud
        }
    }
    $text = 'All of it was undone.'
    if ($left.Count -gt 0) {
        $text = '{0} of {1} steps were not undone: {2}.'
        $text = $text -f $left.Count, $Change.Count, (Format-Some -Value $left)
    }
    Write-Warning -Message $text @loud
}
