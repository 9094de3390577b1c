# ---- the engine, guard: what a server cannot be without; the same in every script --------------
# With the default outbound action Block, a server that may not ask its name servers and domain
# controllers is lost to its administrators, and asks for no new Group Policy. Sessions from outside
# are not at risk: their replies need no rule.

function Get-ControllerNeed {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Address,

        # Whether one of them is enough.
        [Parameter()]
        [switch] $AnyOf
    )
    if ($Address.Count -eq 0) {
        @{ Address = ''; Protocol = ''; Port = 0; For = 'the domain controllers (none was found)' }
    }
    foreach ($item in @($Address | Sort-Object -Unique)) {
        foreach ($pair in @('TCP 88', 'TCP 389', 'UDP 389', 'TCP 135', 'TCP 445')) {
            $protocol, $port = $pair -split ' '
            @{
                Address = $item; Protocol = $protocol; Port = [int] $port
                For = 'domain controller'; AnyOf = [bool] $AnyOf
            }
        }
    }
}

function Get-PolicyNeed {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # Of a server that a Group Policy object is for, whichever it is: some name server, and one of
    # the domain controllers, whose addresses are those of the domain's name.
    @{ Address = 'any address'; Protocol = 'UDP'; Port = 53; For = 'a name server at' }
    $known = @()
    try {
        $known = @([System.Net.Dns]::GetHostAddresses(($Store -split '\\')[0]))
    }
    catch {
        Write-Warning -Message ('The addresses of the domain were not found: {0}' -f $_)
    }
    Get-ControllerNeed -Address @($known | ForEach-Object { "$_" -replace '%.*$', '' }) -AnyOf
}

function Get-Need {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # Of this server: destination, protocol, port and what for.
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
    Get-ControllerNeed -Address $controllers
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
    # A rule for local addresses of one family lets nothing of the other pass.
    $own = @($Rule['LocalAddress'] | Where-Object { "$_" -notin @('', 'Any') })
    $length = (ConvertTo-AddressSpan -Address $Need['Address']).Length
    $alike = @($own | Where-Object { (ConvertTo-AddressSpan -Address $_).Length -eq $length })
    if ($own.Count -gt 0 -and $alike.Count -eq 0 -and $Need['Address'] -ne 'any address') {
        return $false
    }
    if (-not $Rule.ContainsKey('RemoteAddress') -or 'Any' -in @($Rule['RemoteAddress'])) {
        return $true
    }
    if ($Need['Address'] -eq 'any address') {
        return $Rule['Action'] -ne 'Block'
    }
    Test-Within -Address $Need['Address'] -Range @($Rule['RemoteAddress'])
}

function Get-LockOut {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # What the server needs and could not reach any more, if nothing allowed it beside the policy's
    # rules but what is in force now. Rules for one program count if they are Microsoft's own: they
    # are for the programs that need them. Allow rules count if they act in every profile of the
    # policy: a server is in that of the domain only once it has reached a controller. What a Group
    # Policy object allows has to be in it: servers may ignore their own rules.
    $where = 'ActiveStore'
    if ($Store -eq 'PersistentStore') {
        $needs = @(Get-Need)
    }
    else {
        $where = $Store
        $needs = @(Get-PolicyNeed -Store $Store)
    }
    if ($needs.Count -eq 0) {
        return
    }
    $out = @($Wanted | Where-Object { $_['Direction'] -eq 'Outbound' })
    $fields = @(Get-RuleField)
    $index = Get-FilterIndex -Store $where
    foreach ($item in @(Get-NetFirewallRule -PolicyStore $where -ErrorAction Stop)) {
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
        if ("$($item.Action)" -eq 'Allow' -and -not (Test-ProfileOf -Rule $values -Policy $Policy)) {
            continue
        }
        $out += $values
    }
    $missing = @(
        foreach ($need in $needs) {
            $found = @{ Allow = $false; Block = $false }
            foreach ($rule in $out) {
                $action = "$($rule['Action'])" -replace '^$', 'Allow'
                if ($need['Address'] -ne '' -and (Test-Covered -Need $need -Rule $rule)) {
                    $found[$action] = $true
                }
            }
            if ($found['Block'] -or -not $found['Allow']) {
                $need
            }
        }
    )
    $lost = @($missing | ForEach-Object { $_['Address'] })
    $kept = @($needs | Where-Object { $_['AnyOf'] -and $_['Address'] -notin $lost })
    foreach ($need in @($missing | Where-Object { $kept.Count -eq 0 -or -not $_['AnyOf'] })) {
        $text = '{0} {1} {2}/{3}' -f $need['For'], $need['Address'], $need['Protocol'], $need['Port']
        $text -replace ' +/0$', ''
    }
}
