# ---- the engine, guard of the ways in; the same in every script ---------------------------------
# Servers are administered over these ports. Whoever closes the last of them, or the one that the
# session of this run came through, should know before.

# Each with the program and the service behind it: a rule for another program lets nobody in there.
$waysIn = @(
    @{ Port = 22; Name = 'SSH'; Program = 'sshd.exe'; Service = '' }
    @{ Port = 3389; Name = 'Remote Desktop'; Program = 'svchost.exe'; Service = 'TermService' }
    @{ Port = 5985; Name = 'WinRM'; Program = 'System'; Service = '' }
    @{ Port = 5986; Name = 'WinRM over TLS'; Program = 'System'; Service = '' }
)

function Test-LetIn {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # Parameters that a rule lacks are as in Windows.
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Way,

        [Parameter(Mandatory = $true)]
        [string] $Action
    )
    # Whether the rule is of that kind, and for the port.
    if ("$($Rule['Direction'])" -eq 'Outbound' -or "$($Rule['Enabled'])" -eq 'False' -or
        ("$($Rule['Action'])" -replace '^$', 'Allow') -ne $Action -or
        (ConvertTo-ProtocolText -Value "$($Rule['Protocol'])") -notin @('', 'any', 'tcp') -or
        -not (Test-Port -Port $Way['Port'] -Range $Rule['LocalPort'])) {
        return $false
    }
    $program = @("$($Rule['Program'])" -split '\\')[-1]
    $Action -eq 'Block' -or ($program -in @('', 'Any', $Way['Program']) -and
        "$($Rule['Service'])" -in @('', 'Any', $Way['Service']) -and
        @($Rule.Keys -like 'Package*').Count -eq 0)
}

function Get-RemoteSpan {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # First and last addresses in hexadecimal. What a word stands for may be anything.
    foreach ($item in @($Rule['RemoteAddress'] -replace '^$', 'Any')) {
        $span = ConvertTo-AddressSpan -Address "$item"
        if ($span -match '^[0-9A-F]+-') {
            $span
        }
        elseif ($span -eq 'any' -or "$($Rule['Action'])" -ne 'Block') {
            ConvertTo-AddressSpan -Address '0.0.0.0/0'
            ConvertTo-AddressSpan -Address '::/0'
        }
    }
}

function Test-Inside {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Span,

        # In their order.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Among
    )
    # Whether every address of the span is in one of those.
    $first, $last = $Span -split '-'
    foreach ($item in $Among) {
        $ends = @($item -split '-')
        if ($ends[0].Length -ne $first.Length -or
            [string]::CompareOrdinal($ends[0], $first) -gt 0 -or
            [string]::CompareOrdinal($first, $ends[1]) -gt 0) {
            continue
        }
        if ([string]::CompareOrdinal($ends[1], $last) -ge 0) {
            return $true
        }
        # The address after it: after 0A0000FF comes 0A000100.
        $stays = $ends[1] -replace '.F*$', ''
        $digit = [int] ('0x{0}' -f $ends[1][$stays.Length]) + 1
        $first = '{0}{1:X}' -f $stays, $digit
        $first = $first.PadRight($last.Length, '0')
    }
    $false
}

function Test-Open {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Way
    )
    # Whether some rule lets somebody in whom the block rules together do not keep out.
    $narrowing = @('Program', 'Service', 'RemotePort')
    $shut = @(
        foreach ($item in $Rule) {
            if (-not (Test-LetIn -Rule $item -Way $Way -Action 'Block')) {
                continue
            }
            $names = @($item.Keys | Where-Object { $_ -notin $understood -or $_ -in $narrowing })
            if (@($names | Where-Object { "$($item[$_])" -notin @('', 'Any') }).Count -eq 0) {
                Get-RemoteSpan -Rule $item
            }
        }
    )
    $shut = @($shut | Sort-Object)
    foreach ($item in @($Rule | Where-Object { Test-LetIn -Rule $_ -Way $Way -Action 'Allow' })) {
        foreach ($span in @(Get-RemoteSpan -Rule $item)) {
            if (-not (Test-Inside -Span $span -Among $shut)) {
                return $true
            }
        }
    }
    $false
}

function Assert-Manageable {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Plan,

        # Rules of Windows' own by name, as parameters.
        [Parameter(Mandatory = $true)]
        [hashtable] $Builtin,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [bool] $AllowLockOut
    )
    # What goes or changes, by name; what there will be in its place; and what is new in it.
    $going = @{}
    $coming = @()
    foreach ($change in $Plan) {
        $name = "$($change['Name'])"
        if ($change['Kind'] -in @('RemoveRule', 'SetRule')) {
            $going[$name] = $change['Former']
        }
        if ($change['Kind'] -in @('NewRule', 'SetRule')) {
            $coming += $change['Rule']
        }
        $name = $name -replace '^Built-in ', ''
        if ($change['Kind'] -eq 'Setting' -and $name -ne $change['Name'] -and
            $Builtin.ContainsKey($name)) {
            $rule = $Builtin[$name].Clone()
            $going[$name] = $Builtin[$name]
            $rule['Enabled'] = @('False', 'True')[$change['Value'] -eq 'True']
            $coming += $rule
        }
    }
    $closing = @()
    $blocking = @{}
    foreach ($way in $waysIn) {
        $blocks = @($coming | Where-Object { Test-LetIn -Rule $_ -Way $way -Action 'Block' })
        if ($blocks.Count -gt 0) {
            $blocking[$way['Port']] = $blocks
        }
        $allows = @(
            $going.Values | Where-Object { Test-LetIn -Rule $_ -Way $way -Action 'Allow' }
        )
        if ($allows.Count -gt 0) {
            $closing += $way['Port']
        }
    }
    if ($closing.Count + $blocking.Count -eq 0) {
        return
    }
    $isLocal = $Store -eq 'PersistentStore'
    $where = @($Store, 'ActiveStore')[$isLocal]
    $fields = @(Get-RuleField)
    $index = Get-FilterIndex -Store $where
    $before = @(
        foreach ($item in @(Get-NetFirewallRule -PolicyStore $where -ErrorAction Stop)) {
            $source = "$(Get-PropertyValue -InputObject $item -Name 'PolicyStoreSourceType')"
            if ("$($item.Direction)" -eq 'Inbound' -and "$($item.Enabled)" -eq 'True' -and
                $source -ne 'Hardcoded') {
                Get-LiveValue -Rule $item -Index $index -Field $fields
            }
        }
    )
    $after = @($before | Where-Object { -not $going.ContainsKey($_['Name']) }) + $coming
    $open = @{ Before = @(); After = @() }
    foreach ($way in $waysIn) {
        $port = $way['Port']
        $name = 'TCP {0} ({1})' -f $port, $way['Name']
        if (Test-Open -Rule $before -Way $way) {
            $open['Before'] += $name
        }
        if (Test-Open -Rule $after -Way $way) {
            $open['After'] += $name
        }
        elseif ($port -in $closing -and -not $blocking.ContainsKey($port)) {
            $text = '{0}: no rule lets anybody in after this run. Sessions that are open may go on.'
            Write-Warning -Message ($text -f $name)
        }
        if ($blocking.ContainsKey($port)) {
            $from = @($blocking[$port] | ForEach-Object { $_['RemoteAddress'] })
            $from = @($from | Where-Object { $_ } | Sort-Object -Unique)
            $text = '{0}: rules of this run block it from {1}. Sessions from there may be cut.'
            $some = (Format-Some -Value $from) -replace '^$', 'Any'
            Write-Warning -Message ($text -f $name, $some)
        }
    }
    # Of an object nobody knows which ways a server has beside it.
    if ($isLocal -and $open['Before'].Count -gt 0 -and $open['After'].Count -eq 0) {
        $text = 'Nobody could administer this server from elsewhere any more: this run shuts {0}.'
        $text = $text -f ($open['Before'] -join ', ')
        if (-not $AllowLockOut) {
            throw ('{0} Nothing was changed; -AllowLockOut does it all the same.' -f $text)
        }
        Write-Warning -Message $text
    }
}
