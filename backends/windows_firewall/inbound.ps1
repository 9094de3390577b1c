# ---- the engine, guard of the ways in; the same in every script ---------------------------------
# Servers are administered over these ports. Whoever closes the last of them, or the one that the
# session of this run came through, should know before.

$waysIn = @('22 SSH', '3389 Remote Desktop', '5985 WinRM', '5986 WinRM over TLS')

function Test-LetIn {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # Parameters that a rule lacks are as in Windows.
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [int] $Port,

        [Parameter(Mandatory = $true)]
        [string] $Action
    )
    # Whether the rule is of that kind, and for the port.
    $protocol = ConvertTo-ProtocolText -Value "$($Rule['Protocol'])"
    "$($Rule['Direction'])" -ne 'Outbound' -and "$($Rule['Enabled'])" -ne 'False' -and
    ("$($Rule['Action'])" -replace '^$', 'Allow') -eq $Action -and
    $protocol -in @('', 'any', 'tcp') -and (Test-Port -Port $Port -Range $Rule['LocalPort'])
}

function Test-Open {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule,

        [Parameter(Mandatory = $true)]
        [int] $Port
    )
    # Whether some rule lets somebody in, and none keeps everybody out.
    $open = $false
    foreach ($item in $Rule) {
        if (Test-LetIn -Rule $item -Port $Port -Action 'Block') {
            $narrow = @('RemoteAddress', 'Program', 'Service', 'Package', 'InterfaceAlias')
            $values = @($narrow | ForEach-Object { $item[$_] })
            if (@($values | Where-Object { "$_" -notin @('', 'Any') }).Count -eq 0) {
                return $false
            }
        }
        elseif (Test-LetIn -Rule $item -Port $Port -Action 'Allow') {
            $open = $true
        }
    }
    $open
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
        $port = [int] ($way -split ' ')[0]
        $blocks = @($coming | Where-Object { Test-LetIn -Rule $_ -Port $port -Action 'Block' })
        if ($blocks.Count -gt 0) {
            $blocking[$way] = $blocks
        }
        $allows = @(
            $going.Values | Where-Object { Test-LetIn -Rule $_ -Port $port -Action 'Allow' }
        )
        if ($allows.Count -gt 0) {
            $closing += $way
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
        $name = 'TCP {0} ({1})' -f ($way -split ' ', 2)
        $port = [int] ($way -split ' ')[0]
        if (Test-Open -Rule $before -Port $port) {
            $open['Before'] += $name
        }
        if (Test-Open -Rule $after -Port $port) {
            $open['After'] += $name
        }
        elseif ($way -in $closing -and -not $blocking.ContainsKey($way)) {
            $text = '{0}: no rule lets anybody in after this run. Sessions that are open may go on.'
            Write-Warning -Message ($text -f $name)
        }
        if ($blocking.ContainsKey($way)) {
            $from = @($blocking[$way] | ForEach-Object { $_['RemoteAddress'] })
            $from = @($from | Where-Object { $_ } | Sort-Object -Unique)
            $text = '{0}: rules of this run block it from {1}. Sessions from there may be cut.'
            $some = (Format-Some -Value $from) -replace '^$', 'Any'
            Write-Warning -Message ($text -f $name, $some)
        }
    }
    # Of an object nobody knows which ways a server has beside it.
    if ($isLocal -and $blocking.Count -gt 0 -and $open['Before'].Count -gt 0 -and
        $open['After'].Count -eq 0) {
        $text = 'Nobody could administer this server from elsewhere any more: the rules block {0}.'
        $text = $text -f ($open['Before'] -join ', ')
        if (-not $AllowLockOut) {
            throw ('{0} Nothing was changed; -AllowLockOut does it all the same.' -f $text)
        }
        Write-Warning -Message $text
    }
}
