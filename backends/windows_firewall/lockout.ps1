# ---- the engine, guard: what a server cannot be without; the same in every script --------------
# With the default outbound action Block, a server that may not ask its name servers and domain
# controllers is lost to its administrators. Sessions from outside are not at risk: their replies
# need no rule.

function Get-Need {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # Destination, protocol, port and what for.
    $filter = 'IPEnabled = TRUE'
    $class = 'Win32_NetworkAdapterConfiguration'
    $cards = @(Get-CimInstance -ClassName $class -Filter $filter -ErrorAction Stop)
    foreach ($card in $cards) {
        foreach ($server in @(Get-PropertyValue -InputObject $card -Name 'DNSServerSearchOrder')) {
            if ("$server" -ne '') {
                @{ Address = "$server"; Protocol = 'UDP'; Port = 53; For = 'name server' }
            }
        }
        $server = "$(Get-PropertyValue -InputObject $card -Name 'DHCPServer')"
        $usesDhcp = "$(Get-PropertyValue -InputObject $card -Name 'DHCPEnabled')" -eq 'True'
        if ($usesDhcp -and $server -ne '') {
            @{ Address = $server; Protocol = 'UDP'; Port = 67; For = 'DHCP server' }
        }
    }
    $computer = Get-CimInstance -ClassName 'Win32_ComputerSystem' -ErrorAction Stop
    if ("$(Get-PropertyValue -InputObject $computer -Name 'PartOfDomain')" -ne 'True') {
        return
    }
    $controllers = @(
        foreach ($item in @(Get-CimInstance -ClassName 'Win32_NTDomain' -ErrorAction Stop)) {
            $text = "$(Get-PropertyValue -InputObject $item -Name 'DomainControllerAddress')"
            if ($text -ne '') {
                $text.TrimStart('\')
            }
        }
    )
    if ($controllers.Count -eq 0) {
        @{ Address = ''; Protocol = ''; Port = 0; For = 'the domain controllers (none was found)' }
    }
    foreach ($address in @($controllers | Sort-Object -Unique)) {
        foreach ($pair in @('TCP 88', 'TCP 389', 'UDP 389', 'TCP 135', 'TCP 445')) {
            $protocol, $port = $pair -split ' '
            $need = @{ Address = $address; Protocol = $protocol; Port = [int] $port }
            $need['For'] = 'domain controller'
            $need
        }
    }
}

function Test-Covered {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Need,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # Parameters that the rule lacks are Any.
    $protocol = ConvertTo-ProtocolText -Value "$($Rule['Protocol'])"
    if ($protocol -notin @('', 'any', $Need['Protocol'].ToLowerInvariant())) {
        return $false
    }
    if ($Rule.ContainsKey('RemoteDynamicKeywordAddresses') -or $Rule.ContainsKey('LocalPort')) {
        return $false
    }
    $right = -not $Rule.ContainsKey('RemotePort')
    foreach ($item in @($Rule['RemotePort'])) {
        $ends = @("$item" -split '-')
        if ("$item" -match '^[0-9]+(-[0-9]+)?$' -and [int] $ends[0] -le $Need['Port'] -and
            $Need['Port'] -le [int] $ends[-1]) {
            $right = $true
        }
        $right = $right -or "$item" -eq 'Any'
    }
    if (-not $right) {
        return $false
    }
    if (-not $Rule.ContainsKey('RemoteAddress')) {
        return $true
    }
    $wanted = @((ConvertTo-AddressSpan -Address $Need['Address']) -split '-')[0]
    foreach ($item in @($Rule['RemoteAddress'])) {
        $ends = @((ConvertTo-AddressSpan -Address "$item") -split '-')
        if ("$item" -eq 'Any') {
            return $true
        }
        if ($ends.Count -eq 2 -and $ends[0].Length -eq $wanted.Length -and
            [string]::CompareOrdinal($ends[0], $wanted) -le 0 -and
            [string]::CompareOrdinal($wanted, $ends[1]) -le 0) {
            return $true
        }
    }
    $false
}

function Get-LockOut {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted
    )
    # What the server needs and could not reach any more, if nothing allowed it beside the policy's
    # rules but what is in force now. Rules for one program count if they are Microsoft's own: they
    # are for the programs that need them.
    $needs = @(Get-Need)
    if ($needs.Count -eq 0) {
        return
    }
    $out = @($Wanted | Where-Object { $_['Direction'] -eq 'Outbound' })
    $fields = @(Get-RuleField)
    $index = Get-FilterIndex -Store 'ActiveStore'
    foreach ($item in @(Get-NetFirewallRule -PolicyStore ActiveStore -ErrorAction Stop)) {
        $isOwn = "$($item.Group)" -eq $Policy['Group']
        if ($isOwn -or "$($item.Enabled)" -ne 'True' -or "$($item.Direction)" -ne 'Outbound') {
            continue
        }
        $values = Get-LiveValue -Rule $item -Index $index -Field $fields
        $scoped = $values.ContainsKey('Program') -or $values.ContainsKey('Service') -or
            $values.ContainsKey('Package')
        if ($scoped -and -not "$($item.Group)".StartsWith('@')) {
            continue
        }
        $out += $values
    }
    foreach ($need in $needs) {
        $found = @{ Allow = $false; Block = $false }
        foreach ($rule in $out) {
            $action = "$($rule['Action'])" -replace '^$', 'Allow'
            if ($need['Address'] -ne '' -and (Test-Covered -Need $need -Rule $rule)) {
                $found[$action] = $true
            }
        }
        if ($found['Block'] -or -not $found['Allow']) {
            $text = '{0} {1} {2}/{3}' -f $need['For'], $need['Address'], $need['Protocol'],
            $need['Port']
            $text -replace ' +/0$', ''
        }
    }
}
